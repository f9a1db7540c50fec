'use strict';
// The context object that a handler gets as its second argument. Source: AWS Lambda
// Developer Guide, "Using the Lambda context object to retrieve Node.js function
// information".

/** The context of one invocation. turn answers the functions that Node 24 has no more. */
function build(meta, turn) {
  // A first event that came before its function was initialised: its time begins now.
  const deadline = meta.deadlineMs || Date.now() + meta.timeoutMs;
  return Object.assign(turn ? answering(turn) : {}, {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: meta.clientContext,
    identity: meta.identity,
    invokedFunctionArn: meta.arn,
    awsRequestId: meta.id,
    tenantId: meta.tenantId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
}

function answering(turn) {
  return {
    get callbackWaitsForEmptyEventLoop() {
      return turn.waits;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      turn.waits = value;
    },
    succeed: (value) => turn.done(null, value),
    fail: (error) => turn.fail(error),
    done: (error, value) => turn.done(error, value),
  };
}

module.exports = { build };
