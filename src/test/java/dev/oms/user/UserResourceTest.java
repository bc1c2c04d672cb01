package dev.oms.user;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Users over REST. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class UserResourceTest {
    @Test
    void addsAUserAndRejectsADuplicate() {
        Map<String, String> ann = Map.of("name", "Ann O'Néill", "email", "ann@example.org", "phone", "0123456789");

        Response created = post(ann);
        Response again = post(ann);
        Response samePhone =
                post(Map.of("user", Map.of("name", "Bob", "email", "bob@example.org", "phone", "0123456789")));

        long id = created.jsonPath().getLong("id");
        created.then()
                .statusCode(201)
                .header("Location", endsWith("/users/" + id))
                .body("keySet().sort()", equalTo(List.of("created_at", "email", "id", "name", "phone", "updated_at")))
                .body("name", equalTo("Ann O'Néill"));
        given().get("/users/{id}", id)
                .then()
                .statusCode(200)
                .body("", equalTo(created.jsonPath().getMap("")));
        again.then().statusCode(422).body("errors[0].field", equalTo("email"));
        samePhone.then().statusCode(422).body("errors[0].field", equalTo("phone"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"%s.ren\u00e9@Example.org", "%S.REN\u00c9@EXAMPLE.ORG", "%s.rene\u0301@example.org"})
    void keepsOneUserOfAnAddressInAnyCase(String other) {
        String name = "u" + System.nanoTime();
        String email = name + ".ren\u00e9@example.org";
        Response created = post(Map.of("name", "Ren\u00e9", "email", email, "phone", Shop.uniquePhone()));

        Response again = post(Map.of("name", "Ren\u00e9", "email", other.formatted(name), "phone", Shop.uniquePhone()));

        created.then().statusCode(201).body("email", equalTo(email));
        again.then()
                .statusCode(422)
                .body("errors.size()", equalTo(1))
                .body("errors[0].field", equalTo("email"))
                .body("errors[0].message", equalTo("is already taken"));
    }

    /** The first of three users who shared an address before {@code V25} has another one now. */
    @Test
    void keepsAnAddressThatTwoUsersStillShare() {
        String name = "u" + System.nanoTime();
        Ledger ledger = OmsServers.ledger();
        for (String email : List.of(name + "@Example.org", name + "@EXAMPLE.org")) {
            ledger.execute("""
                    insert into users (name, email, phone, created_at, updated_at, email_shared)
                    values ('Shared', '%s', '%s', now(), now(), true)""".formatted(email, Shop.uniquePhone()));
        }

        Response taken = post(Map.of("name", "Third", "email", name + "@example.org", "phone", Shop.uniquePhone()));

        taken.then().statusCode(422).body("errors[0].field", equalTo("email"));
    }

    private static Response post(Map<String, ?> body) {
        return given().contentType(ContentType.JSON).body(body).post("/users");
    }
}
