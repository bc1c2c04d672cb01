package dev.oms.start;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import java.util.concurrent.atomic.AtomicInteger;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.postgresql.ds.PGSimpleDataSource;

/** Databases of their own for tests that run no application, on the server of the other tests. */
public final class MigratedDatabases {
    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static String template;

    private MigratedDatabases() {}

    /** Creates an empty database of OMS: a copy of one that is migrated once. */
    public static synchronized PGSimpleDataSource create() {
        if (template == null) {
            PGSimpleDataSource migrated = createEmpty();
            FluentConfiguration flyway = Flyway.configure();
            MigrateOnline.configure(flyway, dataSource(migrated.getDatabaseName()));
            flyway.locations("classpath:db/migration").load().migrate();
            template = migrated.getDatabaseName();
        }
        return create(" template " + template);
    }

    /** Creates a database without tables. */
    public static PGSimpleDataSource createEmpty() {
        return create("");
    }

    /** Creates a database without tables, whose texts may have any bytes. */
    public static PGSimpleDataSource createWithoutEncoding() {
        return create(" template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'");
    }

    private static PGSimpleDataSource create(String template) {
        new OmsServers().start();
        String name = "database_" + NUMBER.incrementAndGet();
        Ledger server = OmsServers.ledger();
        server.execute("drop database if exists " + name + " with (force)");
        server.execute("create database " + name + template);
        return dataSource(name);
    }

    private static PGSimpleDataSource dataSource(String name) {
        PGSimpleDataSource dataSource =
                OmsServers.dataSource(OmsServers.servers().settings());
        dataSource.setDatabaseName(name);
        return dataSource;
    }
}
