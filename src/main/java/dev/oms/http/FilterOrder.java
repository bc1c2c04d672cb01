package dev.oms.http;

/**
 * The order in which a request passes what OMS adds to the HTTP server, with the reason for each place. The first four
 * are routes, because filters do not see a request that has failed before them, such as one without a {@code Host}.
 */
public enum FilterOrder {
    /** {@link SecureResponses}, before anything that may respond. */
    SECURE_RESPONSES,

    /** {@link TagRequests}, before anything else that may respond or log. */
    TAG_REQUESTS,

    /** {@link LimitReceiving}, before anything that may respond: a client can leave any response unreceived. */
    LIMIT_RECEIVING,

    /** {@link CheckRequestHead}, before anything that reads the path or a header. */
    CHECK_REQUEST_HEAD,

    /** {@link StripJson}, before anything that decides by the path; it begins again with the first. */
    STRIP_JSON,

    /** {@link RetryAfter}, before anything that may respond with 503. */
    RETRY_AFTER,

    /** {@link AnswerUp}, before admission: a process that is busy or shutting down is up. */
    ANSWER_UP,

    /** {@link AdmitCalls}, for the first time: a call that would be rejected anyway need not send its body first. */
    REJECT_EARLY,

    /** {@link RefuseCrossOriginWrites}, before the body, so that the body of a refused request is not collected. */
    REFUSE_CROSS_ORIGIN_WRITES,

    /** {@code access.Authenticate}, before the body: nobody unknown can take the memory for one. */
    AUTHENTICATE,

    /** {@link RefuseEncodings}, before the body, so that the body of a refused request is not collected. */
    REFUSE_ENCODINGS,

    /** {@link CollectBody}, before admission, so that only a call that can go on counts as one in progress. */
    COLLECT_BODY,

    /** {@link AdmitCalls}, before anything that takes time or a thread. */
    ADMIT_CALLS,

    /** {@link SecureConsole}, before {@link OverrideAccept} replaces the header that it reads. */
    SECURE_CONSOLE,

    /** {@link CheckMethod}, before JAX-RS. */
    CHECK_METHOD,

    /** {@link OverrideAccept}, before JAX-RS. */
    OVERRIDE_ACCEPT,

    /** {@link PrepareBodies}, before JAX-RS, and after admission, since a large form takes time. */
    PREPARE_BODIES,

    /**
     * {@link RequireUtf8}, before JAX-RS, and after {@link PrepareBodies}: other rules apply to the bytes of a form.
     */
    REQUIRE_UTF8;

    /** The place among Vert.x's routes; the lowest is first. */
    int route() {
        return Integer.MIN_VALUE + ordinal();
    }

    /** The priority among Quarkus's filters; the highest is first, and Quarkus's own for responses are below 1,000. */
    public int priority() {
        return 10_000 - ordinal();
    }
}
