package dev.oms.access;

import dev.oms.http.Actor;
import dev.oms.http.ProblemException;
import io.quarkus.runtime.QuarkusApplication;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@code --create-key <name> --role <role>}: creates an API key, prints it, and exits. It makes the first key, which no
 * call could make. Needs neither Redis nor a running process.
 */
public class CreateKeyTask implements QuarkusApplication {
    private static final String USAGE = "use --create-key <name> --role "
            + String.join("|", Stream.of(Role.values()).map(Role::name).toList()) + " [--user-id <id>].";

    private final CreateKey createKey;

    CreateKeyTask(CreateKey createKey) {
        this.createKey = createKey;
    }

    @Override
    public int run(String... args) {
        List<String> arguments = List.of(args);
        boolean hasUser = arguments.size() == 6 && arguments.get(4).equals("--user-id");
        if (!(arguments.size() == 4 || hasUser) || !arguments.get(2).equals("--role")) {
            System.err.println(USAGE);
            return 2;
        }
        String name = arguments.get(1);
        try {
            if (!name.matches(CreateKey.NAME)) {
                throw ProblemException.invalid("name", CreateKey.NAME_MESSAGE);
            }
            Role role = Role.valueOf(arguments.get(3));
            Long userId = hasUser ? Long.valueOf(arguments.get(5)) : null;
            ApiKey key = createKey.create(
                    new CreateKey.Wish(name, role, null, userId, null, null),
                    Caller.ANYBODY,
                    new Actor("--create-key"));
            System.out.println(key.key());
            return 0;
        } catch (ProblemException e) {
            System.err.println("No key was created: " + e.problem().error());
        } catch (IllegalArgumentException e) {
            // No such role, or no number.
            System.err.println("No key was created: " + USAGE);
        }
        return 2;
    }
}
