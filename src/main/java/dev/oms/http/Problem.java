package dev.oms.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The body of an error response, {@code application/problem+json}.
 *
 * @param type {@code about:blank} where the status code identifies the kind of problem
 * @param title the reason phrase of the status
 * @param status the HTTP status code
 * @param detail one sentence for the person who reads the client's log
 * @param error the same in one string, with the invalid fields, for clients of the Rails service, which sent no more
 * @param errors for 422: the invalid fields, at most {@value #ERRORS_MAX}
 * @param allowed for 409: the statuses that the order may change to
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457, Problem Details for HTTP APIs</a>
 */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
        String type,
        String title,
        int status,
        String detail,
        String error,
        List<FieldError> errors,
        List<String> allowed) {

    /** The maximum number of errors in a response. */
    static final int ERRORS_MAX = 20;

    /** The media type of a problem, RFC 9457 §3. */
    public static final String MEDIA_TYPE = "application/problem+json";

    /**
     * An invalid field.
     *
     * @param field the path of the field in the body, separated by dots and without the optional wrapper, or the name
     *     of a header
     * @param message what is wrong with it, to be read after the field's name
     */
    public record FieldError(String field, String message) {
        private String sentence() {
            return field.isEmpty() ? message : field + " " + message;
        }
    }

    /** 429, as the draft on rate limits defines it. */
    public static Problem ofQuotaExceeded() {
        String detail = "The key's quota is used up; nothing was changed. Try again later.";
        return new Problem(
                "https://iana.org/assignments/http-problem-types#quota-exceeded",
                "Request cannot be satisfied as assigned quota has been exceeded",
                429,
                detail,
                detail,
                null,
                null);
    }

    /** 500: the log has the reason. */
    public static Problem ofUnexpected() {
        return of(500, "An unexpected error occurred and was logged.");
    }

    /** 503: the database is down or too busy. */
    public static Problem ofUnavailable() {
        return of(503, "The database is unavailable or busy; nothing was changed. Try again.");
    }

    /** A problem without a type of its own: the status says what kind it is. */
    public static Problem of(int status, String detail) {
        return new Problem("about:blank", reasonPhrase(status), status, detail, detail, null, null);
    }

    static Problem ofNothingAt(String path) {
        return of(404, "There is nothing at " + path + ".");
    }

    static Problem ofOtherMethod() {
        return of(405, "The resource does not support this method.");
    }

    static Problem ofErrors(List<FieldError> errors) {
        List<FieldError> first = errors.size() <= ERRORS_MAX ? errors : List.copyOf(errors.subList(0, ERRORS_MAX));
        return new Problem(
                "about:blank",
                reasonPhrase(422),
                422,
                "The body is well-formed but breaks a rule.",
                first.stream().map(FieldError::sentence).collect(Collectors.joining("; ")),
                first,
                null);
    }

    static Problem ofConflict(String detail, List<String> allowed) {
        return new Problem("about:blank", reasonPhrase(409), 409, detail, detail, null, allowed);
    }

    private static String reasonPhrase(int status) {
        return switch (status) {
            // Reason phrases of RFC 9110 that JAX-RS 3.1 does not have.
            case 413 -> "Content Too Large";
            case 414 -> "URI Too Long";
            case 422 -> "Unprocessable Content";
            default -> Response.Status.fromStatusCode(status).getReasonPhrase();
        };
    }

    public Response toResponse() {
        return Response.status(status).type(MEDIA_TYPE).entity(this).build();
    }
}
