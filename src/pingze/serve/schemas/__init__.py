"""Define the API's JSON as dataclasses, from which OpenAPI is made."""
