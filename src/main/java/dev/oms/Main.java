package dev.oms;

import dev.oms.embedded.EmbeddedServers;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/** Starts OMS; in dev mode with a PostgreSQL and a Redis of its own. */
@QuarkusMain
public class Main {
    public static void main(String... args) {
        // They are there in dev mode, and not in the packaged application: nothing else tells the two apart this early.
        try {
            Class.forName("io.zonky.test.db.postgres.embedded.EmbeddedPostgres");
            EmbeddedServers.startForDev();
        } catch (ClassNotFoundException e) {
            // Packaged: the servers are where OMS_DB_URL and OMS_REDIS_URL say.
        }
        Quarkus.run(args);
    }
}
