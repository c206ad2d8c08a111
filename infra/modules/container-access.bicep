// What a principal may do with single containers of a storage account.
param account string
param containers array
param principalId string

@description('A name of builtin-roles.json.')
param role string

var roles = loadJsonContent('../builtin-roles.json')

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = [for one in containers: {
  name: '${account}/default/${one}'
}]

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (one, i) in containers: {
  name: guid(container[i].id, principalId, role)
  scope: container[i]
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}]
