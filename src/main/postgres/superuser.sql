-- For a PostgreSQL in a container, which runs this before roles.sql: the superuser can log in only from within the container.
alter role current_user password null;
