// What gate and hand may do below a management group, in place of modules/roles.bicep: for many
// subscriptions. Deployed by itself, with rightsAtManagementGroup true in main.parameters.json.
targetScope = 'managementGroup'

param environmentName string
param gatePrincipalId string

@description('Empty where there is no hand: nobody gets a right to write then.')
param handPrincipalId string = ''

@description('Whether there are canaries, whose tags the gate may change; it is given that at each of them.')
param canary bool = false

var here = managementGroup().id
var roles = loadJsonContent('roles.json')

resource gate 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, environmentName, 'gate')
  properties: {
    roleName: 'Portcullis gate ${environmentName} ${managementGroup().name}'
    description: roles.gate.description
    type: 'CustomRole'
    permissions: [
      {
        actions: roles.gate.actions
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

resource hand 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(handPrincipalId)) {
  name: guid(here, environmentName, 'hand')
  properties: {
    roleName: 'Portcullis hand ${environmentName} ${managementGroup().name}'
    description: roles.hand.description
    type: 'CustomRole'
    permissions: [
      {
        actions: roles.hand.actions
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

// Named after the gate and not after this group: who assigns it does not know the group.
resource canaryRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (canary) {
  name: guid(gatePrincipalId, environmentName, 'canary')
  properties: {
    roleName: 'Portcullis canary ${environmentName} ${managementGroup().name}'
    description: 'Changes tags of the canary, and nothing else.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Resources/tags/read'
          'Microsoft.Resources/tags/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

resource gateMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(gate.id, gatePrincipalId)
  properties: {
    principalId: gatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: gate.id
    description: 'Portcullis judges what is here.'
  }
}

resource handMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(handPrincipalId)) {
  name: guid(hand.id, handPrincipalId)
  properties: {
    principalId: handPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: hand.id
    description: 'Portcullis cures what its policy lets it cure.'
  }
}
