package dev.oms.event;

import dev.oms.event.Horizon.End;
import dev.oms.http.Causes;
import dev.oms.http.ProblemException;
import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * The log of what happened, in an order in which no effect comes before its cause and each subject's events are in the
 * order of its versions. A reader that continues where it has stopped gets every committed event exactly once.
 *
 * <p>Waiting readers hold no connection; one thread per process polls for all of them.
 */
@ApplicationScoped
public class EventFeed {
    /** How many events one call looks through for those that a filter matches. */
    static final int SCAN_MAX = 10_000;

    /** A batch ends when the details of its events have so many characters. */
    static final int DETAIL_MAX = 1 << 20;

    private static final int FETCH_ROWS = 100;

    /** Poll interval while somebody waits and no news arrives. */
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);

    /**
     * Shortest pause between two looks. Doubled each time, up to {@link #LOOK_EVERY}, while a position is missing,
     * which holds back those behind it.
     */
    private static final Duration PAUSE = Duration.ofMillis(10);

    private static final Logger LOG = Logger.getLogger(EventFeed.class);

    private static final String READ = """
            select position, subject, subject_id, version, type, actor, detail::text, created_at
            from events where position > ? and position <= ?%s order by position limit ?""";

    private static final String FIND = """
            select position, subject, subject_id, version, type, actor, detail::text, created_at
            from events where position = any(?) order by position""";

    private static final String OF_TYPES = " and type = any(?)";

    // A subquery instead of a join: no plan for it can begin with all orders of a user.
    private static final String OF_USER =
            " and subject = 'order' and (select user_id from orders where id = subject_id) = ?";

    private static final String SCANNED = """
            select max(position) from (
                select position from events where position > ? and position <= ? order by position limit ?) scanned""";

    private final Horizon horizon;
    private final AgroalDataSource dataSource;
    private final Set<Waiter> waiters = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean isLooking = new AtomicBoolean();
    private final FeedNews news;
    private final Semaphore told = new Semaphore(0);
    private volatile boolean stopping;

    EventFeed(Horizon horizon, AgroalDataSource dataSource, FeedNews news) {
        this.horizon = horizon;
        this.dataSource = dataSource;
        this.news = news;
    }

    /**
     * Events in order.
     *
     * @param position where to continue; never before where the call began, and beyond the last of the events if those
     *     that follow do not match the filter
     * @param hasMore whether there is more behind the position already
     * @param epoch the database, as in {@link Cursor}
     */
    public record Batch(List<FeedEvent> events, long position, boolean hasMore, long epoch) {}

    private record Waiter(long after, CountDownLatch news) {}

    /**
     * Reads what follows a position.
     *
     * @param types which events; empty for all
     * @param limit how many at most; fewer if their details are large
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    public Batch read(long after, Set<EventType> types, int limit) {
        return read(after, types, null, limit);
    }

    /**
     * The same for a reader that may be bound to a user.
     *
     * @param userId only events of this user's orders; null for all
     */
    Batch read(long after, Set<EventType> types, Long userId, int limit) {
        End end = horizon.look();
        if (after >= end.position()) {
            return new Batch(List.of(), after, false, end.epoch());
        }
        try (Connection connection = dataSource.getConnection()) {
            boolean isFiltered = !types.isEmpty() || userId != null;
            long upTo = isFiltered ? scanned(connection, after, end.position()) : end.position();
            List<FeedEvent> events = new ArrayList<>();
            int detail = 0;
            // Otherwise the driver reads all rows at once, which may be many times as much.
            connection.setAutoCommit(false);
            try (PreparedStatement statement = prepare(connection, after, upTo, types, userId, limit)) {
                statement.setFetchSize(FETCH_ROWS);
                try (ResultSet row = statement.executeQuery()) {
                    while (detail < DETAIL_MAX && row.next()) {
                        FeedEvent event = eventOf(row);
                        events.add(event);
                        detail += event.detail() == null ? 0 : event.detail().length();
                    }
                }
            }
            connection.commit();
            boolean isFull = events.size() == limit || detail >= DETAIL_MAX;
            long position = isFull ? events.getLast().position() : upTo;
            return new Batch(events, position, position < end.position(), end.epoch());
        } catch (SQLException e) {
            throw new IllegalStateException("The feed cannot be read", e);
        }
    }

    /** The position up to which a filtered call reads. */
    private static long scanned(Connection connection, long after, long end) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SCANNED)) {
            statement.setLong(1, after);
            statement.setLong(2, end);
            statement.setInt(3, SCAN_MAX);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                long last = row.getLong(1);
                // If there is none, every position up to the end is dead.
                return row.wasNull() ? end : last;
            }
        }
    }

    static String query(boolean ofTypes, boolean ofUser) {
        return READ.formatted((ofTypes ? OF_TYPES : "") + (ofUser ? OF_USER : ""));
    }

    private static PreparedStatement prepare(
            Connection connection, long after, long upTo, Set<EventType> types, Long userId, int limit)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(query(!types.isEmpty(), userId != null));
        int parameter = 0;
        statement.setLong(++parameter, after);
        statement.setLong(++parameter, upTo);
        if (!types.isEmpty()) {
            statement.setArray(
                    ++parameter,
                    connection.createArrayOf(
                            "text", types.stream().map(EventType::wireName).toArray()));
        }
        if (userId != null) {
            statement.setLong(++parameter, userId);
        }
        statement.setInt(++parameter, limit);
        return statement;
    }

    private static FeedEvent eventOf(ResultSet row) throws SQLException {
        return new FeedEvent(
                row.getLong(1),
                row.getString(2),
                row.getLong(3),
                row.getLong(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                row.getObject(8, OffsetDateTime.class).toInstant());
    }

    /**
     * Events at given positions below the horizon, in order, without those that are not there.
     *
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    public Batch find(Collection<Long> positions) {
        long epoch = horizon.look().epoch();
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setArray(1, connection.createArrayOf("bigint", positions.toArray()));
            List<FeedEvent> events = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    events.add(eventOf(row));
                }
            }
            return new Batch(events, events.isEmpty() ? 0 : events.getLast().position(), false, epoch);
        } catch (SQLException e) {
            throw new IllegalStateException("The feed cannot be read", e);
        }
    }

    /**
     * The horizon: no event will appear at or before it any more.
     *
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    public long end() {
        return horizon.look().position();
    }

    /**
     * For how long a transaction that has taken a position, and has neither committed nor ended, has held back events
     * that are committed; zero if none does. Counted from the first call that finds it, so it is to be called often.
     *
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    public Duration heldBack() {
        horizon.look();
        return horizon.heldBack();
    }

    /**
     * The cursor of a position.
     *
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    public Cursor cursorOf(long position) {
        return new Cursor(horizon.look().epoch(), position);
    }

    /**
     * The position of a cursor.
     *
     * @throws ProblemException 410 when the cursor comes from another database, or from one that was ahead of this
     * @throws IllegalStateException when PostgreSQL does not answer
     */
    public long positionOf(Cursor cursor) {
        if (!horizon.known().has(cursor) && !horizon.look().has(cursor)) {
            throw ProblemException.gone("The cursor is not of this database, or of a later state of it than what was"
                    + " restored. Read again from the beginning, or from after=end.");
        }
        return cursor.position();
    }

    /**
     * Blocks until there may be an event after a position, but not for long beyond a time. For virtual threads.
     *
     * @return whether to go on: false when the process stops
     */
    public boolean await(long after, Duration atMost) throws InterruptedException {
        Waiter waiter = new Waiter(after, new CountDownLatch(1));
        waiters.add(waiter);
        try {
            if (!stopping) {
                startLooking();
                waiter.news.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
            }
        } finally {
            waiters.remove(waiter);
        }
        return !stopping;
    }

    /** Ends the wait for the next look. */
    private void look() {
        if (told.availablePermits() == 0) {
            told.release();
        }
    }

    /** Ends all waits, as if there were events. */
    void wakeAll() {
        waiters.forEach(waiter -> waiter.news.countDown());
    }

    private void startLooking() {
        if (isLooking.compareAndSet(false, true)) {
            Thread.ofVirtual().name("event-feed").start(this::lookWhileSomebodyWaits);
        }
    }

    private void lookWhileSomebodyWaits() {
        long pauseMillis = PAUSE.toMillis();
        try {
            while (!waiters.isEmpty() && !stopping) {
                news.followCommits(this::look);
                boolean isMissing = lookForWaiters();
                Thread.sleep(pauseMillis);
                if (isMissing) {
                    pauseMillis = Math.min(2 * pauseMillis, LOOK_EVERY.toMillis());
                } else {
                    pauseMillis = PAUSE.toMillis();
                    if (told.tryAcquire(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                        told.drainPermits();
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        } finally {
            isLooking.set(false);
        }
        // Somebody may have come while this thread was about to end.
        if (!waiters.isEmpty() && !stopping) {
            startLooking();
        }
    }

    /** @return whether a position is missing before the last event */
    private boolean lookForWaiters() {
        try {
            End end = horizon.look();
            for (Waiter waiter : waiters) {
                if (waiter.after < end.position()) {
                    waiter.news.countDown();
                }
            }
            return end.position() < end.last();
        } catch (RuntimeException e) {
            LOG.debugf("The feed cannot be polled: %s", Causes.root(e).getMessage());
            return false;
        }
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) {
        stop();
    }

    void stop(@Observes ShutdownEvent event) {
        stop();
    }

    private void stop() {
        stopping = true;
        wakeAll();
    }
}
