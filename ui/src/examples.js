// The tabs that a first visit opens. A later visit finds the tabs as they were left, from the browser's own storage.
export const examples = [
  `# Ctrl+Enter runs this, Ctrl+Space completes.
# At most one statement per relation goes to the
# database, however many users there are.
query Users {
  users {
    username
    profile {
      bio
      birthdate
    }
    userInfos {
      phoneNumber
    }
  }
}
`,
  `# An empty filter: there is a restaurant.
query Places {
  places(where: { restaurant: {} }) {
    name
    restaurant {
      servesPizza
      waiters {
        name
      }
    }
  }
}
`,
  `# The inner limit counts per author.
query Authors {
  authors(orderBy: [{ postsCount: DESC }], limit: 3) {
    name
    posts(limit: 2) {
      title
    }
  }
}
`,
  `# Many to many: the junction does not show.
query Students {
  students {
    name
    courses {
      title
    }
  }
}
`,
  `# The variables are in the pane below.
query UserById($id: Int!) {
  user(id: $id) {
    username
    profile {
      bio
    }
  }
}
`,
].map((query) => ({ query }));

examples.at(-1).variables = '{ "id": 1 }';
