"""The HTTP routes that deployment files declare: SAM, OpenAPI, CloudFormation, Serverless, Terraform; no disk."""
