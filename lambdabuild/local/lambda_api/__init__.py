"""The Lambda API, as far as clients need it to call functions: Invoke, InvokeWithResponseStream, lists."""
