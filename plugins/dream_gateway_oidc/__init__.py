"""Identity by OpenID Connect: any provider's tokens (`oidc`), and Clerk's with its users (`clerk`)."""
