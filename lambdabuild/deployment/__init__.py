"""What deployment files declare: SAM, CloudFormation, CDK's output, Serverless Framework, Terraform.

It may import `core` and `system`. It must not know which functions there are, nor any setting.
"""
