package dev.oms.event;

import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.QueryParam;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/** What a reader asks of the feed. */
class FeedQuery {
    static final int LIMIT_MAX = 1_000;

    /** A page costs a unit for so many events that it may have. */
    private static final int EVENTS_PER_UNIT = 100;

    /** What a page costs that looks through {@value EventFeed#SCAN_MAX} events. */
    private static final int FILTER_UNITS = 10;

    private static final int LIMIT_DEFAULT = 100;
    private static final int WAIT_SECONDS_MAX = 30;
    private static final String END = "end";

    @QueryParam("after")
    String after;

    @QueryParam("types")
    String types;

    @QueryParam("limit")
    @DefaultValue("" + LIMIT_DEFAULT)
    Long limit;

    @QueryParam("wait")
    @DefaultValue("0")
    Long wait;

    /** What a client of server-sent events sends when it connects again, to the URL that it first had. */
    @HeaderParam("Last-Event-ID")
    String lastEventId;

    /**
     * Where to begin to read.
     *
     * @throws ProblemException 400 when that is not a cursor, 410 when it is one of another database
     */
    long position(EventFeed feed) {
        String cursor = lastEventId == null || lastEventId.isEmpty() ? after : lastEventId;
        if (cursor == null) {
            return 0;
        }
        return cursor.equals(END) ? feed.end() : feed.positionOf(Cursor.parse(cursor));
    }

    /**
     * The types of the events; empty for all.
     *
     * @throws ProblemException 400 when there is no such type
     */
    Set<EventType> types() {
        Set<EventType> set = EnumSet.noneOf(EventType.class);
        if (types != null) {
            for (String type : types.split(",", -1)) {
                set.add(EventType.of(type)
                        .orElseThrow(() ->
                                ProblemException.malformed("types must be some of %s, separated by commas, not '%s'."
                                        .formatted(
                                                Arrays.stream(EventType.values())
                                                        .map(EventType::wireName)
                                                        .collect(Collectors.joining(", ")),
                                                Texts.shorten(types, 50)))));
            }
        }
        return set;
    }

    /**
     * How many events a page has at most.
     *
     * @throws ProblemException 400 when it is not 1 to 1,000
     */
    int limit() {
        if (limit < 1 || limit > LIMIT_MAX) {
            throw ProblemException.malformed("limit must be 1 to " + LIMIT_MAX + ", not " + limit + ".");
        }
        return limit.intValue();
    }

    /**
     * How long to wait if there is nothing.
     *
     * @throws ProblemException 400 when it is not 0 to 30 seconds
     */
    Duration waitTime() {
        if (wait < 0 || wait > WAIT_SECONDS_MAX) {
            throw ProblemException.malformed("wait must be 0 to " + WAIT_SECONDS_MAX + " seconds, not " + wait + ".");
        }
        return Duration.ofSeconds(wait);
    }

    /** What a page costs in units of a caller's quota. */
    int units(boolean ofUser) {
        return Math.max(Math.ceilDiv(limit(), EVENTS_PER_UNIT), types == null && !ofUser ? 1 : FILTER_UNITS);
    }
}
