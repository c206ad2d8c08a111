// The data collection rule that records go through. It lies in the region of the workspace.
param name string
param location string
param tags object
param workspaceId string

@description('Who sends records.')
param principalIds array

@description('Whether records come in by a data collection endpoint, which a private link scope can take up.')
param closed bool

var rule = loadJsonContent('../rule.json')
var roles = loadJsonContent('../builtin-roles.json')

resource direct 'Microsoft.Insights/dataCollectionRules@2023-03-11' = if (!closed) {
  name: name
  location: location
  tags: tags
  kind: 'Direct'
  properties: {
    streamDeclarations: rule.streamDeclarations
    dataFlows: rule.dataFlows
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspaceId
        }
      ]
    }
  }
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = if (closed) {
  name: '${name}-endpoint'
  location: location
  tags: tags
  properties: {
    networkAcls: {
      publicNetworkAccess: 'Enabled'
    }
  }
}

resource behind 'Microsoft.Insights/dataCollectionRules@2023-03-11' = if (closed) {
  name: '${name}-private'
  location: location
  tags: tags
  properties: {
    dataCollectionEndpointId: endpoint.id
    streamDeclarations: rule.streamDeclarations
    dataFlows: rule.dataFlows
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspaceId
        }
      ]
    }
  }
}

resource toDirect 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in principalIds: if (!closed) {
  name: guid(direct.id, one, 'Monitoring Metrics Publisher')
  scope: direct
  properties: {
    principalId: one
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Monitoring Metrics Publisher'])
  }
}]

resource toBehind 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in principalIds: if (closed) {
  name: guid(behind.id, one, 'Monitoring Metrics Publisher')
  scope: behind
  properties: {
    principalId: one
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Monitoring Metrics Publisher'])
  }
}]

output endpoint string = closed ? endpoint!.properties.logsIngestion.endpoint : direct!.properties.endpoints.logsIngestion
output immutableId string = closed ? behind!.properties.immutableId : direct!.properties.immutableId
