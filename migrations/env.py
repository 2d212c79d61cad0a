"""Runs the revisions on the connection that `bridge.store.migrate` opened. Called by Alembic."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # Whole or not at all: a migration that is killed leaves the schema as it was.
    transactional_ddl=True,
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
