"""The events that can be injected: their names, the Go types that take them, and where samples are."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lambdabuild.local.events.handlers.libraries import EAWSY_EVENTS, EVENTS, LIBRARY

Event = Any
"""What JSON has for an event; nearly always an object."""


class Source(NamedTuple):
    """A source of events."""

    name: str
    about: str
    types: tuple[str, ...]
    """Of aws-lambda-go's package events; with `cfn.`, of that one."""
    samples: tuple[str, ...] = ()
    """Files of the library's events/testdata, without `.json`; the first that is there counts."""


# fmt: off
SOURCES = (
    Source("rest", "REST API", ("APIGatewayProxyRequest",), ("apigw-request",)),
    Source("http", "HTTP API", ("APIGatewayV2HTTPRequest",), ("apigw-v2-request-no-authorizer", "apigw-v2-request")),
    Source("url", "function URL", ("LambdaFunctionURLRequest",), ("lambda-urls-request",)),
    Source("alb", "Application Load Balancer", ("ALBTargetGroupRequest",), ("alb-lambda-target-request-headers-only",)),
    Source("websocket", "WebSocket API", ("APIGatewayWebsocketProxyRequest",),
           ("apigw-websocket-request-send-message", "apigw-websocket-request")),
    Source("sqs", "SQS queue", ("SQSEvent",), ("sqs-event",)),
    Source("s3", "S3 bucket", ("S3Event",), ("s3-event",)),
    Source("sns", "SNS topic", ("SNSEvent",), ("sns-event",)),
    Source("eventbridge", "EventBridge bus", ("EventBridgeEvent", "CloudWatchEvent")),
    Source("schedule", "EventBridge schedule", ()),
    Source("dynamodb", "DynamoDB stream", ("DynamoDBEvent",), ("dynamodb-event",)),
    Source("kinesis", "Kinesis stream", ("KinesisEvent",), ("kinesis-event",)),
    Source("firehose", "Firehose transformation", ("KinesisFirehoseEvent",), ("kinesis-firehose-event",)),
    Source("logs", "CloudWatch Logs subscription", ("CloudwatchLogsEvent",), ("cloudwatch-logs-event",)),
    Source("kafka", "Kafka topic, Amazon MSK", ("KafkaEvent",), ("kafka-event",)),
    Source("token-authorizer", "TOKEN authorizer, REST API", ("APIGatewayCustomAuthorizerRequest",),
           ("apigw-custom-auth-request",)),
    Source("request-authorizer", "REQUEST authorizer, REST API",
           ("APIGatewayCustomAuthorizerRequestTypeRequest",), ("apigw-custom-auth-request-type-request",)),
    Source("http-authorizer", "authorizer, HTTP API", ("APIGatewayV2CustomAuthorizerV2Request",),
           ("apigw-v2-custom-authorizer-v2-request",)),
    Source("cognito", "user pool, post confirmation", ("CognitoEventUserPoolsPostConfirmation",),
           ("cognito-event-userpools-postconfirmation",)),
    Source("cognito-presignup", "user pool, pre sign-up", ("CognitoEventUserPoolsPreSignup",),
           ("cognito-event-userpools-presignup",)),
    Source("cognito-preauthentication", "user pool, pre authentication",
           ("CognitoEventUserPoolsPreAuthentication",), ("cognito-event-userpools-preauthentication",)),
    Source("cognito-postauthentication", "user pool, post authentication",
           ("CognitoEventUserPoolsPostAuthentication",), ("cognito-event-userpools-postauthentication",)),
    Source("cognito-pretokengen", "user pool, pre token generation",
           ("CognitoEventUserPoolsPreTokenGen",), ("cognito-event-userpools-pretokengen",)),
    Source("cognito-pretokengen-v2", "user pool, pre token generation 2.0",
           ("CognitoEventUserPoolsPreTokenGenV2_0",),
           ("cognito-event-userpools-pretokengen-v2_0", "cognito-event-userpools-pretokengen-v2")),
    Source("cognito-custommessage", "user pool, custom message",
           ("CognitoEventUserPoolsCustomMessage",), ("cognito-event-userpools-custommessage",)),
    Source("cognito-migrateuser", "user pool, migrate user",
           ("CognitoEventUserPoolsMigrateUser",), ("cognito-event-userpools-migrateuser",)),
    Source("cognito-define-auth-challenge", "user pool, define auth challenge",
           ("CognitoEventUserPoolsDefineAuthChallenge",), ("cognito-event-userpools-define-auth-challenge",)),
    Source("cognito-create-auth-challenge", "user pool, create auth challenge",
           ("CognitoEventUserPoolsCreateAuthChallenge",), ("cognito-event-userpools-create-auth-challenge",)),
    Source("cognito-verify-auth-challenge", "user pool, verify auth challenge",
           ("CognitoEventUserPoolsVerifyAuthChallenge",), ("cognito-event-userpools-verify-auth-challenge",)),
    Source("cognito-sync", "Cognito Sync", ("CognitoEvent",), ("cognito-event",)),
    Source("ses", "SES mail", ("SimpleEmailEvent",), ("ses-lambda-event",)),
    Source("appsync", "AppSync resolver", ()),
    Source("cloudformation", "CloudFormation custom resource", ("cfn.Event",)),
    Source("codepipeline", "CodePipeline job", ("CodePipelineJobEvent", "CodePipelineEvent"), ("codepipeline-job-event",)),
    Source("activemq", "Amazon MQ, ActiveMQ", ("ActiveMQEvent",), ("activemq-event",)),
    Source("rabbitmq", "Amazon MQ, RabbitMQ", ("RabbitMQEvent",), ("rabbitmq-event",)),
    Source("autoscaling", "EC2 Auto Scaling", ("AutoScalingEvent",), ("autoscaling-event-launch-successful",)),
    Source("codebuild", "CodeBuild", ("CodeBuildEvent",), ("codebuild-state-change",)),
    Source("codecommit", "CodeCommit", ("CodeCommitEvent",), ("code-commit-event",)),
    Source("config", "AWS Config rule", ("ConfigEvent",), ("config-event",)),
    Source("connect", "Amazon Connect", ("ConnectEvent",), ("connect-event",)),
    Source("lex", "Amazon Lex", ("LexEvent",), ("lex-event",)),
    Source("s3-batch", "S3 batch operation", ("S3BatchJobEvent",), ("s3-batch-job-event-request-1.0",)),
    Source("s3-object-lambda", "S3 Object Lambda", ("S3ObjectLambdaEvent",),
           ("s3-object-lambda-event-get-object-iam",)),
    Source("secretsmanager", "Secrets Manager rotation", ("SecretsManagerSecretRotationEvent",),
           ("secretsmanager-secret-rotation-event",)),
)
# fmt: on

BY_NAME: Mapping[str, Source] = {source.name: source for source in SOURCES}
# Of eawsy's packages, one a source: which that is, the likeliest first.
# https://github.com/eawsy/aws-lambda-go-event
_OF_EAWSY = {
    "apigatewayauthorizerevt.Event": ("token-authorizer", "request-authorizer"),
    "apigatewayproxyevt.Event": ("rest",),
    "cloudformationevt.Event": ("cloudformation",),
    "cloudwatchlogsevt.Event": ("logs",),
    "cloudwatchschedevt.Event": ("schedule", "eventbridge"),
    "codepipelineevt.Event": ("codepipeline",),
    "cognitosyncevt.Event": ("cognito-sync",),
    "dynamodbstreamsevt.Event": ("dynamodb",),
    "kinesisfirehoseevt.Input": ("firehose",),
    "kinesisstreamsevt.Event": ("kinesis",),
    "s3evt.Event": ("s3",),
    "sesevt.Event": ("ses",),
    "snsevt.Event": ("sns",),
}
BY_TYPE: Mapping[str, tuple[Source, ...]] = {
    **{kind: (source,) for source in SOURCES for kind in source.types},
    **dict.fromkeys(BY_NAME["eventbridge"].types, (BY_NAME["eventbridge"], BY_NAME["schedule"])),
    **{kind: tuple(BY_NAME[name] for name in names) for kind, names in _OF_EAWSY.items()},
}
"""What sends a type, the likeliest first; types as in `Source`, those of eawsy with their package."""
TYPED = frozenset(source.name for sources in BY_TYPE.values() for source in sources)
"""The sources that have a type."""


def is_of_library(package: str) -> bool:
    """Return whether a package has the types of events."""
    return package in {EVENTS, f"{LIBRARY}/cfn"} or package.startswith(f"{EAWSY_EVENTS}/")


def sources_of(package: str, name: str) -> tuple[Source, ...]:
    """Return what sends a type, the likeliest first; none where that is not known."""
    if not is_of_library(package):
        return ()
    last = package.rpartition("/")[2]
    return BY_TYPE.get(name if package == EVENTS else f"{last}.{name}", ())


@functools.cache
def own_events() -> Mapping[str, Event]:
    """Return the samples of our own by source: complete, small, with fixed ids and times.

    Do not change them. Their forms:
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html, and aws-lambda-go's types.
    """
    text = Path(__file__).with_name("own.json").read_text("utf-8")
    found: dict[str, Event] = json.loads(text)
    return found
