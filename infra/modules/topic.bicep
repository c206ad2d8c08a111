// The system topic of a subscription: Azure allows one, so one that is there is adopted.
param name string
param tags object

@description('Whether the topic is there already; it needs a system-assigned identity then.')
param adopt bool

resource made 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (!adopt) {
  name: name
  location: 'global'
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

resource adopted 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (adopt) {
  name: name
}

output principalId string = adopt ? adopted!.identity.principalId : made!.identity.principalId
