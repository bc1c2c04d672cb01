-- Creates the two roles of OMS in its database, or brings existing ones up to date. Neither is a superuser:
--
--   oms_owner  owns the tables, and migrates (--migrate)
--   oms        reads and writes rows, and cannot change the schema: web, workers and the other tasks
--
-- An administrator runs it with psql 15 or later, before or after a migration, as often as needed.
-- Variables: OMS_DB_OWNER_PASSWORD and OMS_DB_PASSWORD; OMS_DB_OWNER and OMS_DB_USER, to use other names; OMS_DB_SCHEMA, to use
-- another schema than public, which becomes the search path of both.
\set ON_ERROR_STOP on
\set QUIET on
\set owner oms_owner
\set user oms
\getenv owner OMS_DB_OWNER
\getenv user OMS_DB_USER
\set schema public
\getenv schema OMS_DB_SCHEMA
\set owner_password ''
\set user_password ''
\getenv owner_password OMS_DB_OWNER_PASSWORD
\getenv user_password OMS_DB_PASSWORD
-- An empty password would take away the one that a role has.
select :'owner_password' = '' or :'user_password' = '' as lacks_password \gset
\if :lacks_password
do 'begin raise ''OMS_DB_OWNER_PASSWORD and OMS_DB_PASSWORD must be set and must not be empty''; end';
\endif
select current_database() as database, pg_get_userbyid(datdba) as previous
    from pg_database where datname = current_database() \gset

-- All of it or nothing: where the role "oms" can log in, the script has ended well.
begin;

select format('create role %I', name) from (values (:'owner'), (:'user')) roles (name)
    where not exists (select 1 from pg_roles where rolname = name) \gexec
-- An administrator who is no superuser must be a member.
grant :"owner" to current_user;
alter role :"owner" login password :'owner_password';
alter role :"user" login password :'user_password';

create schema if not exists :"schema";
revoke all on schema :"schema" from public;
grant usage, create on schema :"schema" to :"owner";
grant usage on schema :"schema" to :"user";
select format('alter role %I in database %I set search_path = %I', name, :'database', :'schema')
    from (values (:'owner'), (:'user')) roles (name) where :'schema' <> 'public' \gexec
-- Otherwise everybody could create temporary tables.
revoke all on database :"database" from public;
grant connect on database :"database" to :"user";
alter database :"database" owner to :"owner";
-- The owner of another installation in this database has just lost these rights together with it. Migrations need both.
grant connect, temporary on database :"database" to :"previous";

grant select, insert, update, delete on all tables in schema :"schema" to :"user";
-- The ids of orders are taken from their sequence by name, and a start advances a sequence that a restore left behind.
grant usage, update on all sequences in schema :"schema" to :"user";
-- For what later migrations create.
alter default privileges for role :"owner" in schema :"schema" grant select, insert, update, delete on tables to :"user";
alter default privileges for role :"owner" in schema :"schema" grant usage, update on sequences to :"user";

commit;
