package dev.oms.rails;

import dev.oms.rails.Target.LastIds;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * Takes over the database of the Rails service that OMS succeeds: users, items with their stock, orders. Ids and times
 * stay the same.
 *
 * <p>It compares source and target, and writes the difference. So it can be run again: after it was killed, it goes on
 * where it was; and what the Rails service has done since the last run is taken over by the next one, in seconds.
 *
 * <p>What is written in a transaction leaves the database consistent: the ledger adds up at any time. Orders whose
 * stock is due are written last, when the stock is that of the source, and wait for a worker.
 */
@ApplicationScoped
public class ImportRails {
    private final DataSource dataSource;
    private final Clock clock;

    ImportRails(DataSource dataSource, Clock clock) {
        this.dataSource = dataSource;
        this.clock = clock;
    }

    /**
     * What is to be imported.
     *
     * @param url a JDBC URL of PostgreSQL
     * @param user takes precedence over that of the URL
     * @param password takes precedence over that of the URL
     * @param rejects the file that will list what was not taken over
     */
    public record Request(String url, Optional<String> user, Optional<String> password, Path rejects) {}

    /**
     * The rows that a run has added or changed. An item counts as changed if its name, its threshold or its times were,
     * but not for a correction of its stock, nor when it was taken off sale.
     *
     * @param rejected the rows that it could not carry over
     */
    public record Outcome(long users, long items, long orders, long rejected) {}

    /**
     * Runs once. When it fails, what it has written until then stays, and the next run goes on.
     *
     * @throws ImportRefused when it cannot be done
     * @throws SQLException when either database fails meanwhile
     */
    public Outcome run(Request request) throws SQLException {
        Target target = new Target(dataSource);
        try (RailsDatabase source =
                        RailsDatabase.connect(request.url, request.user, request.password, target.identity());
                Rejects rejects = new Rejects(request.rejects)) {
            requireSame(source, target);
            Instant now = clock.instant();
            target.begin(
                    new LastIds(
                            source.lastId("users", Ids.MAX),
                            source.lastId("inventory_items", Ids.ITEM_MAX),
                            source.lastId("orders", Ids.MAX)),
                    now);
            for (String table : List.of(ImportUsers.TABLE, ImportItems.TABLE, ImportOrders.TABLE)) {
                for (long i = source.withoutId(table); i > 0; i--) {
                    rejects.add(table, null, "has no id");
                }
            }
            Progress userProgress = new Progress("Users");
            new ImportUsers(source, target, rejects, userProgress, now).run();
            userProgress.end();
            Progress itemProgress = new Progress("Items");
            ImportItems items = new ImportItems(source, target, rejects, itemProgress, now);
            items.read();
            itemProgress.pause();
            Progress orderProgress = new Progress("Orders");
            ImportOrders orders = new ImportOrders(source, target, rejects, items, orderProgress, now);
            orders.plan();
            orderProgress.pause();
            itemProgress.beginWriting(items.changes());
            items.write(orders.deductions());
            itemProgress.end();
            orderProgress.beginWriting(orders.changes());
            orders.writeSettled();
            items.settle();
            orders.writeDue();
            orderProgress.end();
            target.finish(rejects.count(), clock.instant());
            rejects.finish();
            return new Outcome(userProgress.total(), itemProgress.total(), orderProgress.total(), rejects.count());
        }
    }

    /**
     * Refuses a source that is not the one of earlier runs, nor a copy of it: following it would take off sale, or
     * rename, all that they have taken over. Nothing in OMS tells which source that was, but its rows do.
     */
    private static void requireSame(RailsDatabase source, Target target) throws SQLException {
        boolean isKnown = true;
        for (String table : List.of(ImportUsers.TABLE, ImportItems.TABLE)) {
            Map<Long, OffsetDateTime> oldest = target.oldest(table);
            if (!oldest.isEmpty()) {
                if (source.hasAnyOf(table, oldest)) {
                    return;
                }
                isKnown = false;
            }
        }
        if (!isKnown) {
            throw new ImportRefused("the source has none of the users and items that earlier runs have taken over; "
                    + "name their source or a copy of it, or an empty database of OMS.");
        }
    }
}
