import registry

registry.known.add('tails')
