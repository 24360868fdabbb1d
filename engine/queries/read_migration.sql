-- The newest migration that this database has. Checked at run time: the table belongs to the migrator.
select max(version) from onward._sqlx_migrations where success
