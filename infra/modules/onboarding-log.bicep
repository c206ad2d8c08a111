// What the policy of onboarding.bicep may do with the workspace: name it in diagnostic settings.
param principalId string
param workspace string

@description('The name of the role.')
param role string

resource log 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspace
}

resource may 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(log.id, role, principalId)
  scope: log
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    description: 'Activity logs of subscriptions that come may be sent here.'
  }
}
