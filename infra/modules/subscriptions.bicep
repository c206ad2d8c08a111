// What of a subscription's events wakes the gate, and what becomes of events that nobody took.
param topicName string
param prefix string
param accountId string
param queue string
param container string

@description('The function that takes events beside the queue, by its id; empty for none.')
param functionId string

var events = loadJsonContent('../events.json')
var letters = {
  identity: {
    type: 'SystemAssigned'
  }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: {
      resourceId: accountId
      blobContainerName: container
    }
  }
}
var patience = {
  maxDeliveryAttempts: 30
  eventTimeToLiveInMinutes: 1440
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

@batchSize(1)
resource toQueue 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [for one in events: {
  parent: topic
  name: '${prefix}-${one.name}'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: one.filter
    retryPolicy: patience
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: accountId
          queueName: queue
          queueMessageTimeToLiveInSeconds: 604800
        }
      }
    }
    deadLetterWithResourceIdentity: letters
  }
}]

@batchSize(1)
resource toFunction 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [for one in events: if (!empty(functionId)) {
  parent: topic
  name: '${prefix}-${one.name}-function'
  dependsOn: [
    toQueue
  ]
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: one.filter
    retryPolicy: patience
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: functionId
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    deadLetterWithResourceIdentity: letters
  }
}]
