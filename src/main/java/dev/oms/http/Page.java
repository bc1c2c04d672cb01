package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.inject.Inject;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.EntityTag;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import jakarta.ws.rs.core.UriBuilder;
import jakarta.ws.rs.core.UriInfo;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * A keyset page of a list ordered by a unique key, usually the id: up to {@code limit} rows after the last row of the
 * previous page. A {@code Link} header points to the next page, if there is one, relative to this one. A weak
 * {@code ETag}, computed from the page, spares a client that polls the list what it already has.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8288">RFC 8288, Web Linking</a>
 */
public class Page {
    /** The maximum number of rows on a page, and the default. */
    public static final int LIMIT_MAX = 100;

    private static final MediaType JSON = MediaType.APPLICATION_JSON_TYPE.withCharset("UTF-8");

    @QueryParam("limit")
    @DefaultValue("" + LIMIT_MAX)
    Long limit;

    @QueryParam("after")
    Long after;

    @HeaderParam(IfNoneMatch.HEADER)
    List<String> known;

    @Inject
    ObjectMapper json;

    /** The key after which this page begins, or null for the first page. */
    public Long after() {
        return after;
    }

    /**
     * The maximum number of rows on this page.
     *
     * @throws ProblemException 400 when it is not 1 to 100
     */
    public int limit() {
        if (limit < 1 || limit > LIMIT_MAX) {
            throw ProblemException.malformed("limit must be 1 to " + LIMIT_MAX + ", not " + limit + ".");
        }
        return limit.intValue();
    }

    /**
     * The number of rows to read: one more than the page shows, to find out whether there is a next page.
     *
     * @throws ProblemException as {@link #limit}
     */
    public int rows() {
        return limit() + 1;
    }

    /** Returns 200 with the page, given up to {@link #rows()} rows, or 304 if the client already has it. */
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
        boolean isLast = rows.size() < rows();
        List<T> shown = isLast ? rows : rows.subList(0, rows.size() - 1);
        byte[] body = serialized(shown.stream().map(view).toList());
        EntityTag tag = tagOf(body, isLast);
        if (IfNoneMatch.from(known).matches(tag.getValue())) {
            return Response.notModified(tag).build();
        }
        // Through a stream, which waits for its client and is cut off. Bytes would wait in memory in one piece.
        StreamingOutput stream = out -> out.write(body);
        Response.ResponseBuilder response = Response.ok(stream, JSON).tag(tag);
        if (isLast) {
            return response.build();
        }
        return response.link(
                        // Without the host, which is whatever the client says.
                        UriBuilder.fromPath(uri.getPath())
                                .replaceQuery(uri.getRequestUri().getRawQuery())
                                .replaceQueryParam("after", key.applyAsLong(shown.getLast()))
                                .build(),
                        "next")
                .build();
    }

    private byte[] serialized(List<?> page) {
        try {
            return json.writeValueAsBytes(page);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A page cannot be serialized", e);
        }
    }

    /** Of the body, and of whether there is a {@code Link}. */
    private static EntityTag tagOf(byte[] body, boolean isLast) {
        MessageDigest sha256 = Sha256.create();
        sha256.update(body);
        sha256.update((byte) (isLast ? 1 : 0));
        byte[] start = Arrays.copyOf(sha256.digest(), 12);
        return new EntityTag(Base64.getUrlEncoder().encodeToString(start), true);
    }
}
