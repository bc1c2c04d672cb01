package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;

/**
 * Ends a call with a problem before it reaches a resource. If its body has not been received by then, the connection
 * (in HTTP/2 the stream) is closed instead of reading on.
 */
@ApplicationScoped
public class WriteProblem {
    /**
     * How long to discard the rest of a body before closing. A client that is still sending when the connection or the
     * stream is reset might never see the response: RFC 9112 §9.6, and many clients of HTTP/2 despite RFC 9113 §8.1.
     */
    static final int LINGER_MILLIS = 1_000;

    /** How much of it to discard: 2 to 4 MiB, since the HTTP server hands over up to 8 or 16 KiB at once. */
    private static final int DISCARDED_PARTS_MAX = 256;

    /** The HTTP/2 error code for a stream that is not read on although nothing is wrong: RFC 9113 §8.1. */
    private static final long NO_ERROR = 0;

    private final ObjectMapper json;

    WriteProblem(ObjectMapper json) {
        this.json = json;
    }

    /** Ends a call whose method its path does not support. */
    void notAllowed(RoutingContext call, List<String> allowed) {
        call.response().putHeader(HttpHeaders.ALLOW, String.join(", ", allowed));
        write(call, Problem.ofOtherMethod());
    }

    /** Ends a call with a problem. */
    public void write(RoutingContext call, Problem problem) {
        String body;
        try {
            body = json.writeValueAsString(problem);
        } catch (JsonProcessingException e) {
            call.fail(e);
            return;
        }
        HttpServerResponse response = call.response();
        response.setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                // Not compressed, as every response of the API.
                .putHeader(HttpHeaders.CONTENT_ENCODING, HttpHeaders.IDENTITY);
        if (CollectBody.hasBody(call) && !call.request().isEnded()) {
            if (call.request().version() == HttpVersion.HTTP_2) {
                discardTheRest(call, () -> {
                    if (!response.closed()) {
                        response.reset(NO_ERROR);
                    }
                });
            } else {
                response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
                discardTheRest(call, call.request().connection()::close);
            }
            response.end(body);
            call.request().resume();
        } else {
            response.end(body);
        }
    }

    private static void discardTheRest(RoutingContext call, Runnable close) {
        HttpServerRequest request = call.request();
        int[] parts = {0};
        request.pause()
                .handler(discarded -> {
                    if (++parts[0] >= DISCARDED_PARTS_MAX) {
                        request.pause();
                    }
                })
                .endHandler(complete -> close.run());
        call.vertx().setTimer(LINGER_MILLIS, expired -> close.run());
    }
}
