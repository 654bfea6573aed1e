"""Runs migrations on the connection that `store.database` hands over; never opens one itself."""

from alembic import context

from nightlab.controller.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
