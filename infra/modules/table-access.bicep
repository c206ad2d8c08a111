// What a principal may do with single tables of a storage account.
// https://learn.microsoft.com/azure/storage/tables/assign-azure-role-data-access
param account string
param tables array
param principalId string

@description('A name of builtin-roles.json.')
param role string

var roles = loadJsonContent('../builtin-roles.json')

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' existing = [for one in tables: {
  name: '${account}/default/${one}'
}]

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (one, i) in tables: {
  name: guid(table[i].id, principalId, role)
  scope: table[i]
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}]
