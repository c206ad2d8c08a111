// Application Insights of the apps, which takes nothing by key.
param name string
param location string
param tags object
param workspaceId string
param principalIds array

var roles = loadJsonContent('../builtin-roles.json')

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspaceId
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in principalIds: {
  name: guid(insights.id, one, 'Monitoring Metrics Publisher')
  scope: insights
  properties: {
    principalId: one
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Monitoring Metrics Publisher'])
  }
}]

output connectionString string = insights.properties.ConnectionString
