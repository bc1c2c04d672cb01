package dev.oms.http;

import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriBuilder;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * A keyset page of a list ordered by a unique key, usually the id: up to {@code limit} rows after the last row of the
 * previous page. A {@code Link} header points to the next page, if there is one, relative to this one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8288">RFC 8288, Web Linking</a>
 */
public class Page {
    /** The maximum number of rows on a page, and the default. */
    public static final int LIMIT_MAX = 100;

    @QueryParam("limit")
    @DefaultValue("" + LIMIT_MAX)
    Long limit;

    @QueryParam("after")
    Long after;

    /** The key after which this page begins, or null for the first page. */
    public Long after() {
        return after;
    }

    /**
     * The number of rows to read: one more than the page shows, to find out whether there is a next page.
     *
     * @throws ProblemException 400 when the limit is not 1 to 100
     */
    public int rows() {
        if (limit < 1 || limit > LIMIT_MAX) {
            throw ProblemException.malformed("limit must be 1 to " + LIMIT_MAX + ", not " + limit + ".");
        }
        return limit.intValue() + 1;
    }

    /** Returns 200 with the page, given up to {@link #rows()} rows. */
    public <T> Response of(List<T> rows, ToLongFunction<T> id, UriInfo uri) {
        return of(rows, id, row -> row, uri);
    }

    /**
     * The same, for rows that are converted before they are shown.
     *
     * @param key the key that the list is ordered by
     * @param view converts a row
     */
    public <T> Response of(List<T> rows, ToLongFunction<T> key, Function<T, ?> view, UriInfo uri) {
        if (rows.size() < rows()) {
            return Response.ok(rows.stream().map(view).toList()).build();
        }
        List<T> shown = rows.subList(0, rows.size() - 1);
        long last = key.applyAsLong(shown.getLast());
        return Response.ok(shown.stream().map(view).toList())
                .link(
                        // Without the host, which is whatever the client says.
                        UriBuilder.fromPath(uri.getPath())
                                .replaceQuery(uri.getRequestUri().getRawQuery())
                                .replaceQueryParam("after", last)
                                .build(),
                        "next")
                .build();
    }
}
