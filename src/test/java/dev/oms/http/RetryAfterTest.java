package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.matchesPattern;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.ext.web.Router;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every 503 says when to try again, whoever answers it. FlowResourceTest and OverloadTest have those of OMS itself,
 * WorkerRoleTest that of a health check.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RetryAfterTest {
    private static final String PATH = "/test/unavailable/";

    /** Answers 503 in each of the ways in which Quarkus and OMS do. */
    @ApplicationScoped
    static class Unavailable {
        void install(@Observes Router router, WriteProblem writeProblem) {
            router.get(PATH + "plain")
                    .handler(call -> call.response().setStatusCode(503).end());
            router.get(PATH + "problem").handler(call -> writeProblem.write(call, Problem.of(503, "Busy.")));
            router.get(PATH + "failure").handler(call -> call.fail(503));
            // Quarkus's error handler answers 503.
            router.get(PATH + "no-thread").handler(call -> call.fail(new RejectedExecutionException()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "problem", "failure", "no-thread"})
    void comesWithEvery503(String source) {
        given().get(PATH + source).then().statusCode(503).header("Retry-After", matchesPattern("[1-9]\\d*"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/order_statuses", "/nowhere"})
    void comesWithNothingElse(String path) {
        given().get(path).then().header("Retry-After", (String) null);
    }
}
