// What principals may do with the data of a storage account.
param account string

@description('Objects of principalId and role, a name of builtin-roles.json.')
param grants array

var roles = loadJsonContent('../builtin-roles.json')

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: account
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in grants: {
  name: guid(storage.id, one.principalId, one.role)
  scope: storage
  properties: {
    principalId: one.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[one.role])
  }
}]
