// The topic of notices; routes subscribe to it.
param name string
param location string
param tags object
param principalIds array

var roles = loadJsonContent('../builtin-roles.json')

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in principalIds: {
  name: guid(topic.id, one, 'EventGrid Data Sender')
  scope: topic
  properties: {
    principalId: one
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['EventGrid Data Sender'])
  }
}]

output endpoint string = topic.properties.endpoint
