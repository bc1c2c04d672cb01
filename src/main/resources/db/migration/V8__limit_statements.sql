-- As settings of the role, for a session's own would not survive a pooler in transaction mode. Sessions that begin from now on
-- have them.
do $$
begin
    execute format('alter role current_user in database %I set statement_timeout = ''30s''', current_database());
    execute format('alter role current_user in database %I set lock_timeout = ''5s''', current_database());
    execute format('alter role current_user in database %I set idle_in_transaction_session_timeout = ''60s''',
        current_database());
end $$;
