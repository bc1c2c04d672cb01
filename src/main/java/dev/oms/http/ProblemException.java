package dev.oms.http;

import dev.oms.http.Problem.FieldError;
import java.util.List;

/** Rejects a call with a problem. Thrown by any package; {@link ProblemMappers} turns it into a response. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;
    private final long retryAfterSeconds;

    private ProblemException(Problem problem) {
        this(problem, 0);
    }

    private ProblemException(Problem problem, long retryAfterSeconds) {
        // No stack trace: this is an ordinary response, not a bug.
        super(problem.detail(), null, false, false);
        this.problem = problem;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /** 400: the request cannot be understood. */
    public static ProblemException malformed(String detail) {
        return new ProblemException(Problem.of(400, detail));
    }

    /** 403: the caller may not do this. */
    public static ProblemException forbidden(String detail) {
        return new ProblemException(Problem.of(403, detail));
    }

    /** 404: there is no such resource. */
    public static ProblemException unknown(String what, long id) {
        return new ProblemException(Problem.of(404, "There is no " + what + " " + id + "."));
    }

    /**
     * 409: the current state does not permit the call.
     *
     * @param allowed the statuses that an order may change to, or null when it is not about an order's status
     */
    public static ProblemException conflict(String detail, List<String> allowed) {
        return new ProblemException(Problem.ofConflict(detail, allowed));
    }

    /** 410: what the client refers to was there once, but is no more. */
    public static ProblemException gone(String detail) {
        return new ProblemException(Problem.of(410, detail));
    }

    /** 412: the resource is not at a version that the client expects. */
    static ProblemException preconditionFailed(String what, long id, long version) {
        return new ProblemException(Problem.of(
                412,
                "The current ETag of %s %d is \"%d\", which If-Match does not list.".formatted(what, id, version)));
    }

    /** 422: the body is well-formed, but a field is invalid. */
    public static ProblemException invalid(String field, String message) {
        return invalid(List.of(new FieldError(field, message)));
    }

    /**
     * 422: the body is well-formed, but fields are invalid. The response lists the first {@value Problem#ERRORS_MAX}.
     */
    public static ProblemException invalid(List<FieldError> errors) {
        return new ProblemException(Problem.ofErrors(errors));
    }

    /** 429: the caller has asked for too much in the last second. */
    public static ProblemException quotaExceeded(long retryAfterSeconds) {
        return new ProblemException(Problem.ofQuotaExceeded(), retryAfterSeconds);
    }

    /** 503: the call cannot be served right now. */
    public static ProblemException busy(String detail) {
        return new ProblemException(Problem.of(503, detail));
    }

    /** When the client may try again, or 0. */
    long retryAfterSeconds() {
        return retryAfterSeconds;
    }

    /** The problem to send to the client. */
    public Problem problem() {
        return problem;
    }
}
