// Everything that Portcullis runs on, in one resource group; and in each subscription that is
// watched a system topic and two roles. See docs/deploying.md.
targetScope = 'subscription'

@description('What azd calls this deployment; part of names.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('The region; one that has Flex Consumption.')
param location string

@description('The subscriptions to watch: objects with id (a GUID) and, where a system topic is there already, topic and topicGroup. Empty for the one that this is deployed to.')
param subscriptions array = []

@description('The workspace of Log Analytics to use, by its id; empty for a new one.')
param workspaceId string = ''

@description('Who gets alerts by mail.')
param alertEmails array = []

@description('The tenant whose people may come to the console, and the client id of its app registration; both or neither.')
param consoleTenantId string = ''
param consoleClientId string = ''

@description('Whether Microsoft Graph is read; the identities need permissions there that no template can give.')
param readDirectory bool = false

@description('Whether storage is reached by private endpoints alone.')
param privateNetwork bool = false

@description('Whether the gate changes a tag of a resource of ours in each subscription, to see whether events arrive: the one thing it may write then.')
param canary bool = false

@description('Whether management-group.bicep gives the rights, in place of roles in each subscription. It comes before canary then.')
param rightsAtManagementGroup bool = false

@description('Whether events come to the function as well as to the queue; the code has to be there before.')
param eventsToFunction bool = false

@description('The memory of an instance, in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int = 2048

var app = loadJsonContent('app.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var groupName = 'rg-portcullis-${environmentName}'
var watched = empty(subscriptions) ? [
  {
    id: subscription().subscriptionId
  }
] : subscriptions
var storedIn = {
  state: 'st${token}'
  gate: 'stgate${token}'
  hand: 'sthand${token}'
}
var canaryName = 'portcullis-canary-${environmentName}'
var canaryAt = canary ? '/resourceGroups/${groupName}/providers/Microsoft.Resources/templateSpecs/${canaryName}' : ''
var package = 'package'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: tags
}

module gateIdentity 'modules/identity.bicep' = {
  name: 'gate-identity'
  scope: group
  params: {
    name: 'id-gate-${token}'
    location: location
    tags: tags
  }
}

module handIdentity 'modules/identity.bicep' = if (app.hand) {
  name: 'hand-identity'
  scope: group
  params: {
    name: 'id-hand-${token}'
    location: location
    tags: tags
  }
}

var gatePrincipal = gateIdentity.outputs.principalId
var handPrincipal = app.hand ? handIdentity!.outputs.principalId : ''
var principals = app.hand ? [
  gatePrincipal
  handPrincipal
] : [
  gatePrincipal
]

module state 'modules/storage.bicep' = {
  name: 'state'
  scope: group
  params: {
    name: storedIn.state
    location: location
    tags: tags
    queues: app.queues
    tables: concat(app.tables.shared, app.tables.hands)
    containers: [
      app.deadLetters
      app.values
    ]
    closed: privateNetwork
    trusted: true
  }
}

module gateStorage 'modules/storage.bicep' = {
  name: 'gate-storage'
  scope: group
  params: {
    name: storedIn.gate
    location: location
    tags: tags
    queues: []
    tables: []
    containers: [
      package
    ]
    closed: privateNetwork
    trusted: false
  }
}

module handStorage 'modules/storage.bicep' = if (app.hand) {
  name: 'hand-storage'
  scope: group
  params: {
    name: storedIn.hand
    location: location
    tags: tags
    queues: []
    tables: []
    containers: [
      package
    ]
    closed: privateNetwork
    trusted: false
  }
}

// What a queue trigger and its host do takes this role, and the queues are a part of no fence.
module gateState 'modules/storage-access.bicep' = {
  name: 'gate-state'
  scope: group
  params: {
    account: state.outputs.name
    grants: [
      {
        principalId: gatePrincipal
        role: 'Storage Queue Data Contributor'
      }
    ]
  }
}

// The fence: what the hand acts on, whoever holds the gate's identity cannot make up.
module gateTables 'modules/table-access.bicep' = {
  name: 'gate-tables'
  scope: group
  params: {
    account: state.outputs.name
    tables: app.tables.shared
    principalId: gatePrincipal
    role: 'Storage Table Data Contributor'
  }
}

module gateStories 'modules/table-access.bicep' = {
  name: 'gate-stories'
  scope: group
  params: {
    account: state.outputs.name
    tables: app.tables.hands
    principalId: gatePrincipal
    role: 'Storage Table Data Reader'
  }
}

module gateContainers 'modules/container-access.bicep' = {
  name: 'gate-containers'
  scope: group
  params: {
    account: state.outputs.name
    containers: [
      app.deadLetters
      app.values
    ]
    principalId: gatePrincipal
    role: 'Storage Blob Data Contributor'
  }
}

// It writes every table, so one assignment does.
module handState 'modules/storage-access.bicep' = if (app.hand) {
  name: 'hand-state'
  scope: group
  params: {
    account: state.outputs.name
    grants: [
      {
        principalId: handPrincipal
        role: 'Storage Queue Data Contributor'
      }
      {
        principalId: handPrincipal
        role: 'Storage Table Data Contributor'
      }
    ]
  }
}

module handContainers 'modules/container-access.bicep' = if (app.hand) {
  name: 'hand-containers'
  scope: group
  params: {
    account: state.outputs.name
    containers: [
      app.values
    ]
    principalId: handPrincipal
    role: 'Storage Blob Data Contributor'
  }
}

// Of its own host's account each app is the only owner: who may change a package is its app.
module gateHost 'modules/storage-access.bicep' = {
  name: 'gate-host'
  scope: group
  params: {
    account: gateStorage.outputs.name
    grants: [
      {
        principalId: gatePrincipal
        role: 'Storage Blob Data Owner'
      }
    ]
  }
}

module handHost 'modules/storage-access.bicep' = if (app.hand) {
  name: 'hand-host'
  scope: group
  params: {
    account: handStorage!.outputs.name
    grants: [
      {
        principalId: handPrincipal
        role: 'Storage Blob Data Owner'
      }
    ]
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
  }
}

module stateEndpoints 'modules/endpoint.bicep' = [for one in [
  'blob'
  'queue'
  'table'
]: if (privateNetwork) {
  name: 'state-${one}'
  scope: group
  params: {
    location: location
    tags: tags
    accountName: state.outputs.name
    accountId: state.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    service: one
  }
}]

module gateEndpoint 'modules/endpoint.bicep' = if (privateNetwork) {
  name: 'gate-blob'
  scope: group
  params: {
    location: location
    tags: tags
    accountName: gateStorage.outputs.name
    accountId: gateStorage.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    service: 'blob'
  }
}

module handEndpoint 'modules/endpoint.bicep' = if (privateNetwork && app.hand) {
  name: 'hand-blob'
  scope: group
  params: {
    location: location
    tags: tags
    accountName: handStorage!.outputs.name
    accountId: handStorage!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    service: 'blob'
  }
}

module workspace 'modules/workspace.bicep' = if (empty(workspaceId)) {
  name: 'workspace'
  scope: group
  params: {
    name: 'log-${token}'
    location: location
    tags: tags
  }
}

var workspaceAt = empty(workspaceId) ? '${group.id}/providers/Microsoft.OperationalInsights/workspaces/log-${token}' : workspaceId

module tables 'modules/tables.bicep' = {
  name: 'portcullis-tables-${environmentName}'
  scope: resourceGroup(split(workspaceAt, '/')[2], split(workspaceAt, '/')[4])
  params: {
    workspaceName: last(split(workspaceAt, '/'))
  }
  dependsOn: [
    workspace
  ]
}

module records 'modules/records.bicep' = {
  name: 'records'
  scope: group
  params: {
    name: 'dcr-${token}'
    location: tables.outputs.location
    tags: tags
    workspaceId: workspaceAt
    principalIds: principals
    closed: privateNetwork
  }
}

module insights 'modules/insights.bicep' = {
  name: 'insights'
  scope: group
  params: {
    name: 'appi-${token}'
    location: location
    tags: tags
    workspaceId: workspaceAt
    principalIds: principals
  }
  dependsOn: [
    tables
  ]
}

module onCall 'modules/on-call.bicep' = {
  name: 'on-call'
  scope: group
  params: {
    location: tables.outputs.location
    tags: tags
    workspaceId: workspaceAt
    emails: alertEmails
  }
}

module notices 'modules/notices.bicep' = {
  name: 'notices'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    principalIds: principals
  }
}

var settings = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.outputs.connectionString
  PORTCULLIS_DEPLOYMENT: environmentName
  PORTCULLIS_DIRECTORY: readDirectory ? app.graph[environment().name] : ''
  PORTCULLIS_IDENTITIES: join(principals, ',')
  PORTCULLIS_LOGS_ENDPOINT: records.outputs.endpoint
  PORTCULLIS_LOGS_RULE: records.outputs.immutableId
  PORTCULLIS_OWN: '${group.id},${workspaceAt}'
  PORTCULLIS_TOPIC_ENDPOINT: notices.outputs.endpoint
}

module gate 'modules/app.bicep' = {
  name: 'gate'
  scope: group
  params: {
    name: 'func-gate-${token}'
    location: location
    tags: tags
    service: 'gate'
    identityId: gateIdentity.outputs.id
    clientId: gateIdentity.outputs.clientId
    hostAccount: gateStorage.outputs.name
    container: package
    stateAccount: state.outputs.name
    settings: union(settings, {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${gateIdentity.outputs.clientId};Authorization=AAD'
      PORTCULLIS_CANARY: canaryAt
      PORTCULLIS_CONSOLE_CLIENT: consoleClientId
      PORTCULLIS_CONSOLE_TENANT: consoleTenantId
    })
    memory: instanceMemory
    maximumInstances: 40
    subnetId: privateNetwork ? network!.outputs.appsSubnetId : ''
  }
  dependsOn: [
    gateHost
    gateState
    gateTables
    gateStories
    gateContainers
    gateEndpoint
    stateEndpoints
  ]
}

module hand 'modules/app.bicep' = if (app.hand) {
  name: 'hand'
  scope: group
  params: {
    name: 'func-hand-${token}'
    location: location
    tags: tags
    service: 'hand'
    identityId: handIdentity!.outputs.id
    clientId: handIdentity!.outputs.clientId
    hostAccount: handStorage!.outputs.name
    container: package
    stateAccount: state.outputs.name
    settings: union(settings, {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${handIdentity!.outputs.clientId};Authorization=AAD'
    })
    memory: instanceMemory
    maximumInstances: 40
    subnetId: privateNetwork ? network!.outputs.appsSubnetId : ''
  }
  dependsOn: [
    handHost
    handState
    handContainers
    handEndpoint
    stateEndpoints
  ]
}

module signIn 'modules/sign-in.bicep' = if (!empty(consoleTenantId) && !empty(consoleClientId)) {
  name: 'sign-in'
  scope: group
  params: {
    app: gate.outputs.name
    tenant: consoleTenantId
    client: consoleClientId
  }
}

module rights 'modules/roles.bicep' = [for one in watched: if (!rightsAtManagementGroup) {
  name: 'portcullis-roles-${environmentName}'
  scope: subscription(one.id)
  params: {
    environmentName: environmentName
    gatePrincipalId: gateIdentity.outputs.principalId
    handPrincipalId: app.hand ? handIdentity!.outputs.principalId : ''
  }
}]

module groups 'modules/group.bicep' = [for one in watched: if (one.id != subscription().subscriptionId) {
  name: 'portcullis-group-${environmentName}'
  scope: subscription(one.id)
  params: {
    name: groupName
    location: location
    tags: tags
  }
}]

module topics 'modules/topic.bicep' = [for one in watched: {
  name: 'portcullis-topic-${environmentName}'
  scope: resourceGroup(one.id, one.?topicGroup ?? groupName)
  params: {
    name: one.?topic ?? 'portcullis-${environmentName}'
    adopt: contains(one, 'topic')
    tags: tags
  }
  dependsOn: [
    group
    groups
  ]
}]

module eventAccess 'modules/event-access.bicep' = [for (one, i) in watched: {
  name: 'event-access-${i}'
  scope: group
  params: {
    account: state.outputs.name
    queue: app.hints
    container: app.deadLetters
    principalId: topics[i].outputs.principalId
  }
}]

module events 'modules/subscriptions.bicep' = [for (one, i) in watched: {
  name: 'portcullis-events-${environmentName}'
  scope: resourceGroup(one.id, one.?topicGroup ?? groupName)
  params: {
    topicName: one.?topic ?? 'portcullis-${environmentName}'
    prefix: 'portcullis-${environmentName}'
    accountId: state.outputs.id
    queue: app.hints
    container: app.deadLetters
    functionId: eventsToFunction ? '${gate.outputs.id}/functions/changes' : ''
  }
  dependsOn: [
    eventAccess
  ]
}]

module canaryRoles 'modules/canary-role.bicep' = [for one in watched: if (canary && !rightsAtManagementGroup) {
  name: 'portcullis-canary-role-${environmentName}'
  scope: subscription(one.id)
  params: {
    environmentName: environmentName
  }
}]

module canaries 'modules/canary.bicep' = [for (one, i) in watched: if (canary) {
  name: 'portcullis-canary-${environmentName}'
  scope: resourceGroup(one.id, groupName)
  params: {
    name: canaryName
    location: location
    tags: tags
    gatePrincipalId: gateIdentity.outputs.principalId
    roleId: !rightsAtManagementGroup ? canaryRoles[i]!.outputs.id : '/subscriptions/${one.id}/providers/Microsoft.Authorization/roleDefinitions/${guid(gatePrincipal, environmentName, 'canary')}'
  }
  dependsOn: [
    group
    groups
  ]
}]

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output PORTCULLIS_HAND bool = app.hand
output PORTCULLIS_CONSOLE string = 'https://${gate.outputs.host}'
output PORTCULLIS_GATE_PRINCIPAL_ID string = gatePrincipal
output PORTCULLIS_HAND_PRINCIPAL_ID string = handPrincipal
output PORTCULLIS_STATE_ID string = state.outputs.id
output PORTCULLIS_WORKSPACE_ID string = workspaceAt
output PORTCULLIS_CANARY string = canaryAt
output PORTCULLIS_RIGHTS_AT_MANAGEMENT_GROUP bool = rightsAtManagementGroup
