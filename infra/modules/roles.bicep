// What gate and hand may do in a subscription that is watched: see roles.json.
targetScope = 'subscription'

param environmentName string
param gatePrincipalId string

@description('Empty where there is no hand: nobody gets a right to write then.')
param handPrincipalId string

var here = subscription().id
var roles = loadJsonContent('../roles.json')

resource gate 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, environmentName, 'gate')
  properties: {
    roleName: 'Portcullis gate ${environmentName} ${subscription().subscriptionId}'
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
    roleName: 'Portcullis hand ${environmentName} ${subscription().subscriptionId}'
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
