package dev.oms.event;

import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Finds how far the feed can be read without skipping an event. Events take their positions from a sequence, and their
 * transactions commit in any order or not at all, so that a missing position may still appear. Below the horizon none
 * does.
 *
 * <p>A missing position is dead once every transaction has ended that held {@code RowExclusiveLock} on the sequence
 * after the position was first missed. {@code nextval} takes that lock before it takes a number, whether or not the
 * transaction has an id, and PostgreSQL keeps it until the transaction has ended and its rows are visible. So
 * transactions that have taken no position hold nothing back, however long they last.
 *
 * <p>State is in memory only, none in a session: each step is a statement of its own, with a snapshot of its own, and
 * their order matters. PgBouncer may give each another session.
 *
 * @see <a href="https://www.postgresql.org/docs/current/view-pg-locks.html">PostgreSQL, pg_locks</a>
 */
@ApplicationScoped
class Horizon {
    /** How many positions one look follows. Beyond that, it asks who holds the sequence. */
    static final int AHEAD_MAX = 10_000;

    /** How long a caller waits for others' looks. Longer than two that find no free connection (2 s each). */
    private static final Duration TURN_MAX = Duration.ofSeconds(5);

    /** The epoch, the last visible position, and the last of those that follow a position without a gap. */
    static final String AHEAD = """
            select (select system_identifier from pg_control_system()), (select max(position) from events),
                (select max(position) from (
                    select position, row_number() over (order by position) n
                    from (select position from events where position > ? order by position limit ?) ahead) numbered
                where position = ? + n)""";

    private static final String HOLDERS = """
            select virtualtransaction from pg_locks
            where locktype = 'relation' and mode = 'RowExclusiveLock' and granted
                and database = (select oid from pg_database where datname = current_database())
                and relation = pg_get_serial_sequence('events', 'position')::regclass""";

    /**
     * What one look has found.
     *
     * @param epoch the database, as in {@link Cursor}
     * @param position the horizon: every position up to here is either visible or dead
     * @param last the last visible position, which may be beyond the horizon
     */
    record End(long epoch, long position, long last) {
        /** Whether a cursor is of this database. It may be beyond the horizon: that of another process may be ahead. */
        boolean has(Cursor cursor) {
            return cursor.epoch() == epoch && cursor.position() <= last;
        }
    }

    /** Positions up to {@code last} of which some were missing, and who held the sequence then and still does. */
    private record Gap(long last, Set<String> holders) {}

    private final AgroalDataSource dataSource;
    private final ReentrantLock turn = new ReentrantLock();
    private volatile End end = new End(0, 0, 0);
    private Gap gap;

    /** Since when the horizon has stood before the same missing position; null if it does not. */
    private volatile Long standingSinceNanos;

    private long lookedNanos = System.nanoTime();
    private SQLException failure;

    Horizon(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * Looks for the horizon. What was committed before the call is below it, unless an earlier position is missing.
     * Callers that come while somebody looks share the next look, also if it fails.
     *
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    End look() {
        long askedNanos = System.nanoTime();
        try {
            if (!turn.tryLock(TURN_MAX.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new SQLTimeoutException("Another look at the feed takes too long");
            }
            try {
                if (lookedNanos - askedNanos <= 0) {
                    advanceAt(System.nanoTime());
                }
                if (failure != null) {
                    throw failure;
                }
                return end;
            } finally {
                turn.unlock();
            }
        } catch (SQLException e) {
            throw new IllegalStateException("The end of the feed cannot be read", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("The end of the feed cannot be read", e);
        }
    }

    private void advanceAt(long startedNanos) {
        try {
            end = advance();
            failure = null;
        } catch (SQLException e) {
            failure = e;
        }
        lookedNanos = startedNanos;
    }

    /** What the last look has found. */
    End known() {
        return end;
    }

    /**
     * For how long the looks have found the horizon before the same missing position, while there were events behind
     * it; zero if the last look has not.
     */
    Duration heldBack() {
        Long sinceNanos = standingSinceNanos;
        return sinceNanos == null ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - sinceNanos);
    }

    private End advance() throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            Ahead ahead = ahead(connection, end.position);
            if (ahead.epoch != end.epoch || ahead.last < end.last) {
                // Another database, or an older state of this one.
                gap = null;
                ahead = ahead(connection, 0);
            }
            long position = ahead.gapless;
            if (position < ahead.last) {
                // After the gap was seen: whoever may still fill it holds the sequence now. Before its events are read:
                // what is no longer held is visible to them.
                Set<String> holders = holders(connection);
                if (gap != null) {
                    gap.holders.retainAll(holders);
                }
                if (gap == null || gap.last <= position || gap.holders.isEmpty()) {
                    position = gap == null ? position : Math.max(position, gap.last);
                    gap = new Gap(ahead.last, holders);
                }
                if (gap.holders.isEmpty()) {
                    position = gap.last;
                }
            }
            if (position >= ahead.last) {
                standingSinceNanos = null;
            } else if (standingSinceNanos == null || position != end.position || ahead.epoch != end.epoch) {
                standingSinceNanos = System.nanoTime();
            }
            return new End(ahead.epoch, position, ahead.last);
        }
    }

    private record Ahead(long epoch, long last, long gapless) {}

    private static Ahead ahead(Connection connection, long position) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, AHEAD, position, AHEAD_MAX, position);
                ResultSet row = statement.executeQuery()) {
            row.next();
            // Positions below 0 are not in the feed.
            return new Ahead(row.getLong(1), Math.max(0, row.getLong(2)), Math.max(position, row.getLong(3)));
        }
    }

    private static Set<String> holders(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(HOLDERS);
                ResultSet row = statement.executeQuery()) {
            Set<String> holders = new HashSet<>();
            while (row.next()) {
                holders.add(row.getString(1));
            }
            return holders;
        }
    }
}
