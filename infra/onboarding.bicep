// A policy of Azure at a management group: a subscription that comes below it is watched without a
// command. Deployed by itself, after management-group.bicep. See docs/deploying.md.
targetScope = 'managementGroup'

param environmentName string

@description('The region of what is made in subscriptions, and of the identity of the policy.')
param location string

param gatePrincipalId string

@description('The storage account of state, by its id.')
param stateId string

@description('The workspace that gets activity logs, by its id.')
param workspaceId string

@description('A mail address for alerts of Defender; empty for no security contacts.')
param securityContact string = ''

@description('Whether each subscription gets a canary; management-group.bicep has the role for it.')
param canary bool = false

var here = managementGroup().id
var app = loadJsonContent('app.json')
var builtIn = loadJsonContent('builtin-roles.json')
var parts = loadJsonContent('onboarding.json')
var topic = 'portcullis-${environmentName}'
var groupName = 'rg-portcullis-${environmentName}'
var stateAt = split(stateId, '/')
var workspaceAt = split(workspaceId, '/')

// What can lack, and by what it is told that it does. Of events the last part that is made: what
// ended half way is not taken for whole.
var wanted = concat([
  {
    name: 'events'
    title: 'events come to the gate'
    exists: {
      type: 'Microsoft.EventGrid/systemTopics/eventSubscriptions'
      name: '${topic}/${topic}-${parts.last}'
      existenceScope: 'resourceGroup'
      resourceGroupName: groupName
    }
    template: parts.events.template
  }
  {
    name: 'activity-log'
    title: 'the activity log comes to the workspace'
    exists: {
      type: 'Microsoft.Insights/diagnosticSettings'
      existenceScope: 'subscription'
      existenceCondition: {
        allOf: [
          {
            field: 'Microsoft.Insights/diagnosticSettings/logs.enabled'
            equals: 'true'
          }
          {
            field: 'Microsoft.Insights/diagnosticSettings/workspaceId'
            equals: workspaceId
          }
        ]
      }
    }
    template: parts.activityLog.template
  }
], !empty(securityContact) ? [
  {
    name: 'contact'
    title: 'somebody gets the alerts of Defender'
    exists: {
      type: 'Microsoft.Security/securityContacts'
      existenceScope: 'subscription'
      existenceCondition: {
        field: 'Microsoft.Security/securityContacts/email'
        notEquals: ''
      }
    }
    template: parts.contact.template
  }
] : [], canary ? [
  {
    name: 'canary'
    title: 'there is a canary'
    exists: {
      type: 'Microsoft.Resources/templateSpecs'
      name: 'portcullis-canary-${environmentName}'
      existenceScope: 'resourceGroup'
      resourceGroupName: groupName
    }
    template: parts.canary.template
  }
] : [])

var told = {
  environmentName: {
    value: environmentName
  }
  gatePrincipalId: {
    value: gatePrincipalId
  }
  location: {
    value: location
  }
  securityContact: {
    value: securityContact
  }
  stateId: {
    value: stateId
  }
  workspaceId: {
    value: workspaceId
  }
}

// --- what the identity of the policy may do, and where

var roleNames = {
  writes: guid(here, environmentName, 'onboarding-writes')
  deploys: guid(here, environmentName, 'onboarding-deploys')
  grants: guid(here, environmentName, 'onboarding-grants')
  logs: guid(here, environmentName, 'onboarding-logs')
}
var roles = [
  {
    name: roleNames.writes
    title: 'writes'
    description: 'Makes in a subscription what it lacks to be watched.'
    actions: union(parts.deploys, parts.events.actions, parts.activityLog.actions, !empty(securityContact) ? parts.contact.actions : [], canary ? parts.canary.actions : [])
  }
  {
    name: roleNames.deploys
    title: 'deploys'
    description: 'Deploys beside the account of state; on what, another role says.'
    actions: parts.deploys
  }
  {
    name: roleNames.grants
    title: 'grants'
    description: 'Lets system topics put events into the queue, and letters into the container.'
    actions: parts.grants
  }
  {
    name: roleNames.logs
    title: 'logs'
    description: 'Names the workspace in diagnostic settings.'
    actions: parts.logs
  }
]

resource roleDefinitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for one in roles: {
  name: one.name
  properties: {
    roleName: 'Portcullis onboarding ${one.title} ${environmentName} ${managementGroup().name}'
    description: one.description
    type: 'CustomRole'
    permissions: [
      {
        actions: one.actions
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: union([
      here
    ], [
      '/subscriptions/${stateAt[2]}'
    ], [
      '/subscriptions/${workspaceAt[2]}'
    ])
  }
}]

module below 'modules/onboarding-below.bicep' = {
  name: 'portcullis-onboarding-${environmentName}'
  params: {
    principalId: assigned.identity.principalId
    role: roleNames.writes
    condition: canary ? replace(replace(parts.conditions.canary, '<role>', guid(gatePrincipalId, environmentName, 'canary')), '<principal>', gatePrincipalId) : ''
  }
  dependsOn: [
    roleDefinitions
  ]
}

module state 'modules/onboarding-state.bicep' = {
  name: 'portcullis-onboarding-state-${environmentName}'
  scope: resourceGroup(stateAt[2], stateAt[4])
  params: {
    principalId: assigned.identity.principalId
    account: stateAt[8]
    queue: app.hints
    container: app.deadLetters
    deploys: roleNames.deploys
    grants: roleNames.grants
    senders: replace(parts.conditions.delivery, '<role>', builtIn['Storage Queue Data Message Sender'])
    writers: replace(parts.conditions.delivery, '<role>', builtIn['Storage Blob Data Contributor'])
  }
  dependsOn: [
    roleDefinitions
  ]
}

module log 'modules/onboarding-log.bicep' = {
  name: 'portcullis-onboarding-log-${environmentName}'
  scope: resourceGroup(workspaceAt[2], workspaceAt[4])
  params: {
    principalId: assigned.identity.principalId
    workspace: workspaceAt[8]
    role: roleNames.logs
  }
  dependsOn: [
    roleDefinitions
  ]
}

// --- the policy

var writesId = tenantResourceId('Microsoft.Authorization/roleDefinitions', roleNames.writes)

// Of its roles a definition names the one below the group alone: who saves the assignment in the
// portal gives the identity all that are named, here and without a condition.
resource definitions 'Microsoft.Authorization/policyDefinitions@2025-03-01' = [for one in wanted: {
  name: 'portcullis-${environmentName}-${one.name}'
  properties: {
    displayName: 'Portcullis ${environmentName}: ${one.title}'
    policyType: 'Custom'
    mode: 'All'
    metadata: {
      category: 'Monitoring'
    }
    policyRule: {
      if: {
        field: 'type'
        equals: 'Microsoft.Resources/subscriptions'
      }
      then: {
        effect: 'deployIfNotExists'
        details: union(one.exists, {
          deploymentScope: 'subscription'
          roleDefinitionIds: [
            writesId
          ]
          deployment: {
            location: location
            properties: {
              mode: 'incremental'
              template: one.template
              parameters: told
            }
          }
        })
      }
    }
  }
  dependsOn: [
    roleDefinitions
  ]
}]

resource initiative 'Microsoft.Authorization/policySetDefinitions@2025-03-01' = {
  name: 'portcullis-${environmentName}'
  properties: {
    displayName: 'Portcullis ${environmentName}: subscriptions are watched'
    policyType: 'Custom'
    metadata: {
      category: 'Monitoring'
    }
    policyDefinitions: [for (one, i) in wanted: {
      policyDefinitionReferenceId: one.name
      policyDefinitionId: definitions[i].id
    }]
  }
}

// A name at a management group has 24 letters at most.
resource assigned 'Microsoft.Authorization/policyAssignments@2025-03-01' = {
  name: 'portcullis-${substring(guid(environmentName, 'onboarding'), 0, 13)}'
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: 'Portcullis ${environmentName}: subscriptions are watched'
    policyDefinitionId: initiative.id
  }
}

output PORTCULLIS_POLICY_ID string = assigned.id
