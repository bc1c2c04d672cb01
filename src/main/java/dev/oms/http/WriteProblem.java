package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Ends a call with a problem before it reaches a resource. If its body has not been received by then, the connection is
 * closed instead of reading on.
 */
@ApplicationScoped
class WriteProblem {
    /**
     * How long to discard the rest of a body before closing the connection. Closing at once would reset it, and the
     * client might never see the response: RFC 9112 §9.6.
     */
    private static final int LINGER_MILLIS = 1_000;

    /** How much of it to discard: some 2 MiB, since the HTTP server hands over up to 8 KiB at once. */
    private static final int DISCARDED_PARTS_MAX = 256;

    /** The HTTP/2 error code for a stream that is not read on although nothing is wrong: RFC 9113 §8.1. */
    private static final long NO_ERROR = 0;

    private final ObjectMapper json;

    WriteProblem(ObjectMapper json) {
        this.json = json;
    }

    void write(RoutingContext call, Problem problem) {
        String body;
        try {
            body = json.writeValueAsString(problem);
        } catch (JsonProcessingException e) {
            call.fail(e);
            return;
        }
        HttpServerResponse response = call.response();
        response.setStatusCode(problem.status()).putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE);
        if (!CollectBody.hasBody(call.request()) || call.request().isEnded()) {
            response.end(body);
        } else if (call.request().version() == HttpVersion.HTTP_2) {
            response.end(body).onSuccess(written -> response.reset(NO_ERROR));
        } else {
            response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            discardTheRest(call);
            response.end(body);
            call.request().resume();
        }
    }

    private static void discardTheRest(RoutingContext call) {
        HttpServerRequest request = call.request();
        HttpConnection connection = request.connection();
        int[] parts = {0};
        request.pause()
                .handler(discarded -> {
                    if (++parts[0] >= DISCARDED_PARTS_MAX) {
                        request.pause();
                    }
                })
                .endHandler(complete -> connection.close());
        call.vertx().setTimer(LINGER_MILLIS, expired -> connection.close());
    }
}
