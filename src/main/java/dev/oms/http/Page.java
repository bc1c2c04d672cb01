package dev.oms.http;

import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * A keyset page of a list that is ordered by id: so many rows after the last one of the page before. The next page is
 * offered by a {@code Link} header, as long as there is one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8288">RFC 8288, Web Linking</a>
 */
public class Page {
    /** The most rows of a page. */
    public static final int LIMIT_MAX = 100;

    @QueryParam("limit")
    @DefaultValue("10")
    Long limit;

    @QueryParam("after")
    Long after;

    /** The id after which this page begins, or null for the first page. */
    public Long after() {
        return after;
    }

    /**
     * How many rows to read: one more than are shown, to know whether there is a next page.
     *
     * @throws ProblemException 400 when the limit is not 1 to 100
     */
    public int rows() {
        if (limit < 1 || limit > LIMIT_MAX) {
            throw ProblemException.malformed("limit must be 1 to " + LIMIT_MAX + ", not " + limit + ".");
        }
        return limit.intValue() + 1;
    }

    /** 200 with the rows of the page, given {@link #rows()} of them or fewer. */
    public <T> Response of(List<T> rows, ToLongFunction<T> id, UriInfo uri) {
        return of(rows, id, row -> row, uri);
    }

    /**
     * The same, for rows that are not shown as they are.
     *
     * @param key what the list is ordered by, and the next page begins after
     */
    public <T> Response of(List<T> rows, ToLongFunction<T> key, Function<T, ?> view, UriInfo uri) {
        if (rows.size() < rows()) {
            return Response.ok(rows.stream().map(view).toList()).build();
        }
        List<T> shown = rows.subList(0, rows.size() - 1);
        long last = key.applyAsLong(shown.getLast());
        return Response.ok(shown.stream().map(view).toList())
                .link(
                        uri.getRequestUriBuilder()
                                .replaceQueryParam("after", last)
                                .build(),
                        "next")
                .build();
    }
}
