package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;

/** Ends a call with a problem before any resource is asked. */
@ApplicationScoped
class AnswerProblem {
    private final ObjectMapper json;

    AnswerProblem(ObjectMapper json) {
        this.json = json;
    }

    void answer(RoutingContext call, Problem problem) {
        try {
            call.response()
                    .setStatusCode(problem.status())
                    .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
                    .end(json.writeValueAsString(problem));
        } catch (JsonProcessingException e) {
            call.fail(e);
        }
    }
}
