// What the policy of onboarding.bicep may do where the queue is: give topics their two roles.
param principalId string
param account string
param queue string
param container string

@description('The names of the roles: one to deploy here, one to assign roles.')
param deploys string
param grants string

@description('The conditions that leave one role to assign: at the queue, and at the container.')
param senders string
param writers string

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' existing = {
  name: '${account}/default/${queue}'
}

resource letters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  name: '${account}/default/${container}'
}

resource mayDeploy 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, deploys, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', deploys)
    description: 'Portcullis is put into subscriptions that come.'
  }
}

resource maySend 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, grants, principalId)
  scope: events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grants)
    description: 'Topics of subscriptions that come may put events into this queue.'
    condition: senders
    conditionVersion: '2.0'
  }
}

resource mayWrite 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(letters.id, grants, principalId)
  scope: letters
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grants)
    description: 'Topics of subscriptions that come may put letters into this container.'
    condition: writers
    conditionVersion: '2.0'
  }
}
