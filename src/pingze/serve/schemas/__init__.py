"""The shapes of the API's JSON: dataclasses, from which OpenAPI is made."""
