"""The supervisor that runs inside a container beside untrusted code. Imports nothing of nightlab but its api."""
