// What a system topic may do: put events into the queue, and what it gives up into the container.
param account string
param queue string
param container string
param principalId string

var roles = loadJsonContent('../builtin-roles.json')

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' existing = {
  name: '${account}/default/${queue}'
}

resource letters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  name: '${account}/default/${container}'
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, principalId, 'Storage Queue Data Message Sender')
  scope: events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Queue Data Message Sender'])
  }
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(letters.id, principalId, 'Storage Blob Data Contributor')
  scope: letters
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
  }
}
