"""Who may answer for a store; what goes elsewhere goes nowhere."""

from lambdabuild.cache.addresses import answering, parsed

CLOUD = {"169.254.0.0/16", "fd00:ec2::/32"}


def hosts(url: str, environment: dict[str, str] | None = None) -> set[str] | None:
    found = answering(parsed(url), environment or {}, "eu-north-1")
    return set(found) if found is not None else None


def test_of_a_bucket_of_aws_its_region_answers() -> None:
    ends = ("eu-north-1.amazonaws.com", "eu-north-1.amazonaws.com.cn")
    names = ("s3", "s3-fips", "s3.dualstack", "sts")
    assert hosts("s3://bucket/x") == {
        *(f"{name}.{end}" for name in names for end in ends), "sts.amazonaws.com", *CLOUD
    }  # fmt: skip


def test_of_an_endpoint_only_that_and_whoever_gives_credentials_answers() -> None:
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:1338/credentials",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
    }
    assert hosts("s3://bucket?endpoint=https://minio.example:9000", environment) == {
        *("minio.example", "localhost", "sts.amazonaws.com"),
        *("sts.eu-north-1.amazonaws.com", "sts.eu-north-1.amazonaws.com.cn", *CLOUD),
    }


def test_the_account_of_azure_answers() -> None:
    found = hosts("abfs://container@ours.dfs.core.windows.net/x")
    assert found is not None
    assert {"ours.blob.core.windows.net", "login.microsoftonline.com"} < found
    assert "core.windows.net" not in found


def test_of_google_it_cannot_be_told() -> None:
    assert hosts("gs://bucket/x") is None
