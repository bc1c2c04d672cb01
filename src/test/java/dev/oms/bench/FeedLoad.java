package dev.oms.bench;

import dev.oms.bench.Load.Caller;
import dev.oms.event.Cursor;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the feed of events, page by page, and begins again where it began when it has reached the end. */
final class FeedLoad {
    /** The largest page that there is. */
    static final int PAGE = 1_000;

    private static final String READ = """
            select position, subject, subject_id, version, type, actor, detail::text, created_at
            from events where position > ? order by position limit ?""";

    private static final String DETAIL = """
            {"items":{"item_101":1,"item_4711":2},"user_id":12345}""";

    private static final Pattern NEXT = Pattern.compile("\r\nlink: *<([^>]+)>", Pattern.CASE_INSENSITIVE);

    private FeedLoad() {}

    /** Adds many events. */
    static void fill(BenchmarkServers servers, int events) throws SQLException {
        add(servers, events);
        servers.ledger().execute("vacuum analyze events");
    }

    /** Adds events that look like those of orders, in one transaction: half of them have what was ordered. */
    static void add(BenchmarkServers servers, int events) throws SQLException {
        try (Connection connection = servers.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("set statement_timeout = 0");
            // Of items, which may have several events of one version.
            statement.execute("""
                    insert into events (subject, subject_id, version, type, actor, detail)
                    select 'item', i, 1, 'item.corrected', 'key:shop-' || i %% 10,
                        case when i %% 2 = 0 then '%s'::jsonb end
                    from generate_series(1, %d) i""".formatted(DETAIL, events));
        }
    }

    /** One of these on the wire. */
    static String event(String id, long subject) {
        return """
                {"id":"%s","type":"item.corrected","subject":"item","subject_id":%d,"version":1,"actor":"key:shop-1",\
                "detail":%s,"created_at":"2026-01-01T00:00:00.123456Z"}""".formatted(id, subject, subject % 2 == 0 ? DETAIL : null);
    }

    /** The cursor behind which there are so many events. */
    static String cursor(BenchmarkServers servers, int eventsBehind) {
        return new Cursor(
                        servers.number("select system_identifier from pg_control_system()"),
                        servers.number("select max(position) from events") - eventsBehind)
                .toString();
    }

    /** Reads pages over HTTP. */
    static Caller readingPages(int port, String after) throws IOException {
        String first = "/events?limit=" + PAGE + (after == null ? "" : "&after=" + after);
        HttpConnection http = new HttpConnection(port);
        return new Caller() {
            private String path = first;

            @Override
            public long call() throws IOException {
                Matcher next = NEXT.matcher(http.get(path));
                path = next.find() ? next.group(1) : first;
                return 0;
            }

            @Override
            public void close() throws IOException {
                http.close();
            }
        };
    }

    /** The same rows through plain JDBC. */
    static Caller readingRows(BenchmarkServers servers) throws SQLException {
        Connection connection = servers.connect();
        PreparedStatement page = connection.prepareStatement(READ);
        return new Caller() {
            private long position;

            @Override
            public long call() throws SQLException {
                page.setLong(1, position);
                page.setInt(2, PAGE);
                int rows = 0;
                try (ResultSet row = page.executeQuery()) {
                    while (row.next()) {
                        position = row.getLong(1);
                        for (int column = 2; column <= 8; column++) {
                            row.getString(column);
                        }
                        rows++;
                    }
                }
                if (rows < PAGE) {
                    position = 0;
                }
                return rows;
            }

            @Override
            public void close() throws SQLException {
                connection.close();
            }
        };
    }
}
