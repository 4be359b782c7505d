"""The real deploy tools are run on what lambdabuild wrote for fixtures/shop."""
