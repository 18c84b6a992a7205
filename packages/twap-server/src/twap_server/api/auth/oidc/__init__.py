"""Sign users in at an OpenID provider: authorization code with PKCE, state and nonce.

``outbound`` asks the provider, within bounds; ``provider`` knows its addresses and keys and checks ID tokens;
``attempts`` remembers who is on the way; ``flow`` puts them together. Needs the extra ``oidc`` (authlib).
"""
