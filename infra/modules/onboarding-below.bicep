// What the policy of onboarding.bicep may write in the subscriptions below a management group.
targetScope = 'managementGroup'

param principalId string

@description('The name of a role that is defined at the group.')
param role string

@description('Which roles may be assigned; empty where the role assigns none.')
param condition string

resource may 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, role, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: extensionResourceId(managementGroup().id, 'Microsoft.Authorization/roleDefinitions', role)
    description: 'Portcullis is put into subscriptions that come.'
    condition: empty(condition) ? null : condition
    conditionVersion: empty(condition) ? null : '2.0'
  }
}
